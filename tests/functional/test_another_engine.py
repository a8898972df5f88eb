# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""A new engine needs its folder, its templates, its image recipe and one line of the registry.

The tests add an invented engine (tests/data/tiny_engine) that way to a copy of the repository.
There the service runs it, and the tests of all engines pass.
"""

import ast
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DATA = ROOT / 'tests' / 'data' / 'tiny_engine'
#: Paths that the copy needs to run the service and its tests.
PARTS = ('trove', 'tests', 'image', 'sandbox', 'etc', 'setup.cfg', 'pyproject.toml',
         'upper-constraints.txt')
#: Allowed places of new files.
OWN = ('trove/guestagent/datastore/tiny/', 'trove/templates/tiny/', 'image/datastores/tiny-1.0/')
REGISTRY = 'trove/guestagent/dbaas.py'
MARK = 'ENGINES = {\n'

pytestmark = pytest.mark.long


@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    """Provide a copy of the repository with the engine."""
    made = tmp_path_factory.mktemp('repository')
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, made / part,
                            ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
        else:
            shutil.copy(ROOT / part, made / part)
    shutil.copytree(DATA / 'engine', made, dirs_exist_ok=True)
    registry = made / REGISTRY
    text = registry.read_text()
    assert text.count(MARK) == 1
    registry.write_text(text.replace(MARK, MARK + (DATA / 'registry-line').read_text()))
    return made


def tried(copy: pathlib.Path, *arguments: str) -> str:
    """Return the output of pytest in the copy, which must pass."""
    environment = {
        **os.environ, 'PYTHONPATH': f'{copy}:{copy / "sandbox"}',
        'PYTHONDONTWRITEBYTECODE': '1'
    }
    environment.pop('PYTEST_XDIST_WORKER', None)
    command = [
        sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'no:xdist', *arguments
    ]
    done = subprocess.run(command, cwd=copy, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_nothing_else_is_touched(copy):
    added = [
        str(path.relative_to(DATA / 'engine'))
        for path in (DATA / 'engine').rglob('*')
        if path.is_file()
    ]
    assert added and all(name.startswith(OWN) for name in added)
    changed = [str(path.relative_to(copy)) for path in (copy / 'trove').rglob('*.py')
               if not str(path.relative_to(copy)).startswith(OWN)
               and not filecmp.cmp(path, ROOT / path.relative_to(copy), shallow=False)]
    assert changed == [REGISTRY]
    before, after = (ROOT / REGISTRY).read_text().splitlines(), (copy /
                                                                 REGISTRY).read_text().splitlines()
    assert len(after) == len(before) + 1


def test_the_service_serves_it(copy):
    shutil.copy(DATA / 'story.py', copy / 'tests' / 'functional' / 'test_story.py')
    assert ' passed' in tried(copy, 'tests/functional/test_story.py')


def test_the_tests_about_all_engines_hold(copy):
    assert ' passed' in tried(copy, 'tests/unit/common/test_engines.py',
                              'tests/unit/guestagent/test_dbaas.py',
                              'tests/unit/image/test_manifest.py')


def test_engines_do_not_import_each_other():
    """The contract lists the folders of the registry, without shared folders such as mysql_common.
    """
    folders = ROOT / 'trove' / 'guestagent' / 'datastore'
    engines = {path.parent.name for path in folders.glob('*/engine.py')}
    assert {'mariadb', 'postgres', 'redis'} <= engines
    for name in engines:
        for path in (folders / name).glob('*.py'):
            for node in ast.walk(ast.parse(path.read_text())):
                imported = [node.module or ''] if isinstance(node, ast.ImportFrom) else (
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
                others = tuple(f'trove.guestagent.datastore.{other}.' for other in engines - {name})
                assert not [word for word in imported if f'{word}.'.startswith(others)], path
