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
"""Check for options that nothing reads and public functions that nothing calls.

``python tools/check_unused.py`` prints the findings; the exit code is 1 when there are any. Uses
are found by name: an attribute, a variable, an import or a string with the name counts. Tests do
not count.
"""

import ast
import collections
import collections.abc
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
#: Code with definitions to check.
CHECKED = ('trove', 'sandbox')
#: Further files that may use them.
USERS = ('tools', 'image', 'etc', 'devstack', 'setup.cfg', 'doc/source/conf.py',
         'api-ref/source/conf.py')

#: Option -> who reads it, where no code of ours does.
OPTIONS_ALLOWED: dict[str, str] = {
    'restore_usage_timeout': 'creates from backups and replicas, which are not implemented yet',
}

#: Function -> who calls it, where no code of ours names it.
FUNCTIONS_ALLOWED: dict[str, str] = {
    'delete_container': 'tests of the object store, to clean up',
    'get_container': 'tests of the object store',
    'update_backup': 'guests that make backups, which are not implemented yet',
}

#: Bases of a class that call none of its methods by a name of theirs.
_PLAIN_BASES = frozenset({'object', 'ABC', 'Exception', 'Generic', 'NamedTuple', 'Protocol',
                          'RuntimeError', 'TypedDict', 'ValueError'})
_WORD = re.compile(r'[A-Za-z_]\w*')


class _Names(ast.NodeVisitor):
    """Names that a module uses, each with the functions around the use."""

    def __init__(self) -> None:
        self.used: collections.Counter[str] = collections.Counter()
        #: Constant ends of f-strings, for names built from a prefix.
        self.endings: set[str] = set()
        self._around: list[str] = []

    def _count(self, name: str) -> None:
        # A function that calls only itself is not used.
        if name not in self._around:
            self.used[name] += 1

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._around.append(node.name)
        self.generic_visit(node)
        self._around.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_Name(self, node: ast.Name) -> None:
        self._count(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in ('self', 'cls'):
            self._count(node.attr)
        else:
            self.used[node.attr] += 1
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        last = node.values[-1] if node.values else None
        if isinstance(last, ast.Constant) and re.fullmatch(r'_\w+', str(last.value)):
            self.endings.add(str(last.value))
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self._count(node.name.split('.')[-1])

    def visit_Constant(self, node: ast.Constant) -> None:
        # Names in strings: entry points, dispatch tables, arguments of getattr. Not in sentences.
        if isinstance(node.value, str) and ' ' not in node.value and len(node.value) < 200:
            for word in _WORD.findall(node.value):
                self._count(word)


def names(text: str) -> tuple[collections.Counter[str], set[str]]:
    """Return the names that a module uses with the number of uses, and the ends of built names."""
    visitor = _Names()
    visitor.visit(ast.parse(text))
    return visitor.used, visitor.endings


def classes(text: str) -> dict[str, list[str]]:
    """Return the classes of a module with the names of their bases."""
    return {node.name: [ast.unparse(base).split('[')[0].split('.')[-1] for base in node.bases]
            for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}


def foreign(name: str, bases: collections.abc.Mapping[str, list[str]]) -> bool:
    """Return whether a class inherits from a class that is defined elsewhere.

    :param bases: every class of the checked code with its bases.
    """
    if name in _PLAIN_BASES:
        return False
    return name not in bases or any(foreign(base, bases) for base in bases[name] if base != name)


def functions(text: str, bases: collections.abc.Mapping[str, list[str]]
              ) -> collections.abc.Iterator[tuple[int, str]]:
    """Return line and name of each public function and method of a module.

    Left out: nested functions, functions a decorator registers, and methods of classes with a base
    of a library, which the library may call.
    """
    def walk(body: list[ast.stmt]) -> collections.abc.Iterator[tuple[int, str]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not foreign(node.name, bases):
                yield from walk(node.body)
            elif (isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and not node.name.startswith('_')
                    and all(_keeps_name(decorator) for decorator in node.decorator_list)):
                yield node.lineno, node.name
    yield from walk(ast.parse(text).body)


def _keeps_name(decorator: ast.expr) -> bool:
    """Return whether a decorated function is still used by its name only."""
    return not isinstance(decorator, ast.Call) or 'functools' in ast.unparse(decorator.func)


def unread_options(options: collections.abc.Iterable[str],
                   used: collections.abc.Container[str],
                   endings: collections.abc.Collection[str] = ()) -> list[str]:
    """Return the options that no code names, sorted.

    :param endings: ends of names that code builds from a prefix.
    """
    return sorted({name for name in options if name not in used and name not in OPTIONS_ALLOWED
                   and not name.endswith(tuple(endings))})


def _options() -> set[str]:
    from oslo_db import options as oslo_db
    from trove.common import cfg as options

    listed = [*options.list_opts(), *options.list_guest_opts()]
    return {option.dest for _group, group in listed for option in group
            if not option.deprecated_for_removal and option not in oslo_db.database_opts}


def _texts(folders: tuple[str, ...]) -> dict[str, str]:
    paths = [path for folder in folders for path in (
        (REPOSITORY / folder).rglob('*') if (REPOSITORY / folder).is_dir()
        else [REPOSITORY / folder])]
    return {str(path.relative_to(REPOSITORY)): path.read_text(errors='replace') for path in paths
            if path.is_file() and '__pycache__' not in path.parts}


def main() -> int:
    """Print all findings of the repository; return the exit code."""
    sys.path.insert(0, str(REPOSITORY))
    checked, users = _texts(CHECKED), _texts(USERS)
    used: collections.Counter[str] = collections.Counter()
    read: collections.Counter[str] = collections.Counter()
    endings: set[str] = set()
    bases: dict[str, list[str]] = {}
    for path, text in {**checked, **users}.items():
        if not path.endswith('.py'):
            used += collections.Counter(_WORD.findall(text))
            continue
        found, ends = names(text)
        used += found
        if path in checked:
            bases |= classes(text)
        if path.startswith('trove/') and not path.startswith('trove/common/cfg/'):
            read += found
            endings |= ends
    findings = [f'{path}:{line}: {name} is never used'
                for path, text in sorted(checked.items()) if path.endswith('.py')
                for line, name in functions(text, bases)
                if name not in used and name not in FUNCTIONS_ALLOWED]
    findings += [f'trove/common/cfg: option {name} is never read'
                 for name in unread_options(_options(), read, endings)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
