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

"""Contents of a guest image: the whole agent and nothing of the control plane."""

import ast
import importlib.util
import pathlib
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
COMMON = REPOSITORY / 'image/common'
ENTRY = 'trove.cmd.guest'
#: Parts of the control plane a guest has no business with.
FORBIDDEN = ('trove.db', 'trove.cloud', 'trove.taskmanager', 'trove.instance', 'trove.extensions',
             'trove.conductor.manager', 'trove.conductor.ingest', 'trove.guestagent.api',
             'trove.common.policy', 'trove.common.wsgi', 'trove.common.auth', 'trove.common.api',
             'trove.common.rpc.broker')


def _load_manifest_module():
    spec = importlib.util.spec_from_file_location('image_manifest', COMMON / 'manifest.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


manifest = _load_manifest_module()


def _module(name: str) -> str:
    parts = pathlib.PurePosixPath(name).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def _file(module: str) -> pathlib.Path | None:
    path = REPOSITORY.joinpath(*module.split('.'))
    for candidate in (path.with_suffix('.py'), path / '__init__.py'):
        if candidate.is_file():
            return candidate
    return None


def _imports(module: str) -> set[str]:
    """Modules of this repository that importing ``module`` imports, whether at once or in a
    function.
    """
    found = set()
    path = _file(module)
    package = module if path.name == '__init__.py' else module.rpartition('.')[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split('.')[:len(package.split('.')) - node.level +
                                      1] if node.level else []
            source = '.'.join(base + ([node.module] if node.module else []))
            found.add(source)
            found |= {f'{source}.{alias.name}' for alias in node.names}
    with_parents = {'.'.join(name.split('.')[:length]) for name in found
                    for length in range(1, name.count('.') + 2)}
    return {name for name in with_parents if name.split('.')[0] == 'trove' and _file(name)}


@pytest.fixture(scope='module')
def listed() -> set[str]:
    return {_module(name) for name in manifest.files(COMMON / 'agent-manifest', REPOSITORY)}


def test_whatever_a_listed_module_imports_is_listed(listed):
    missing = {f'{module} imports {name}' for module in listed for name in _imports(module)
               if name not in listed}
    assert not missing


def test_the_entry_point_is_listed(listed):
    assert ENTRY in listed


def test_nothing_of_the_control_plane_is_listed(listed):
    assert not {module for module in listed
                if any(module == name or module.startswith(name + '.') for name in FORBIDDEN)}


def test_libraries_of_the_agent_are_required(listed):
    """Every library that the agent imports comes with a package of the guest's own list."""
    packages = {
        'oslo_config': 'oslo.config',
        'oslo_context': 'oslo.context',
        'oslo_log': 'oslo.log',
        'oslo_messaging': 'oslo.messaging',
        'pymysql': 'PyMySQL',
        'cryptography': 'cryptography',
        'psycopg2': 'psycopg2-binary'
    }
    comes_along = {'amqp', 'kombu', 'oslo_serialization', 'oslo_utils'}
    lines = (REPOSITORY / 'image/guest-requirements.txt').read_text().splitlines()
    required = {
        line.split('#')[0].split('>')[0].split('=')[0].split('[')[0].strip().lower()
        for line in lines
    }
    used = set()
    for module in listed:
        for node in ast.walk(ast.parse(_file(module).read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(node.module.split('.')[0])
    # Only set_library_defaults() needs it, which no guest calls.
    not_in_guests = {'oslo_middleware'}
    outside = used - set(sys.stdlib_module_names) - {'trove'} - comes_along - not_in_guests
    assert not {name for name in outside if packages.get(name, name).lower() not in required}


@pytest.fixture
def tree(tmp_path):
    for name in ('a/one.py', 'a/two.py', 'a/b/three.py', 'a/__pycache__/one.pyc'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize('text, expected', [
    ('a/one.py', ['a/one.py']),
    ('# nothing\n\na/*.py  # both\n', ['a/one.py', 'a/two.py']),
    ('a/**/*\n!a/two.py', ['a/b/three.py', 'a/one.py']),
])
def test_patterns(tree, text, expected):
    listing = tree / 'list'
    listing.write_text(text)
    assert manifest.files(listing, tree) == expected


@pytest.mark.parametrize('text', ['a/one.py\nb/*.py', 'a/one.py\n!a/gone.py'])
def test_a_pattern_without_a_match_is_an_error(tree, text):
    listing = tree / 'list'
    listing.write_text(text)
    with pytest.raises(manifest.ManifestError, match='line 2'):
        manifest.files(listing, tree)
