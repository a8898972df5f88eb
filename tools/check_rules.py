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

"""The project's own writing rules (HACKING.rst), each a function from a source file to findings.

``python tools/check_rules.py`` walks the repository and prints ``path:line: Tnnn text``; the exit
code is 1 when anything was found. Paths as arguments limit the walk.
"""

import ast
import collections.abc
import dataclasses
import functools
import pathlib
import subprocess
import sys

import language_rules

MAXIMUM_LINES = 450
LOG_METHODS = frozenset(('debug', 'info', 'warning', 'error', 'exception', 'critical', 'log'))
#: Files that people write, beside scripts without a suffix.
TEXT_SUFFIXES = frozenset(('.py', '.rst', '.inc', '.md', '.sh', '.yaml', '.ini', '.toml'))
#: Files that name the retired words in order to retire them.
SPEAK_OF_WORDS = frozenset(('tools/language_rules.py', 'tests/unit/test_language.py', 'HACKING.rst',
                            'tests/unit/test_hacking.py'))
HEADER = 'Licensed under the Apache License, Version 2.0'
VAGUE_NAMES = frozenset(('utils', 'util', 'helpers', 'helper', 'misc'))


@dataclasses.dataclass
class Source:
    """One file that people write: its path inside the repository, its text and its tree."""

    path: str
    text: str
    is_python: bool = True

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def below(self, *folders: str) -> bool:
        return any(self.path == folder or self.path.startswith(folder.rstrip('/') + '/')
                   for folder in folders)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken rule at a place."""

    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: {self.rule} {self.text}'


Findings = collections.abc.Iterator[tuple[int, str]]


def licence_header(source: Source) -> Findings:
    """Check T101: the licence header stands at the top."""
    if source.text.strip() and HEADER not in '\n'.join(source.text.splitlines()[:5]):
        yield 1, 'the file does not start with the licence header'


def module_size(source: Source) -> Findings:
    """Check T102: a module has one subject. A migration is as long as what it migrates."""
    if 'migrations/versions' in str(source.path):
        return
    lines = source.text.count('\n')
    if lines > MAXIMUM_LINES:
        yield MAXIMUM_LINES, (f'{lines} lines, more than {MAXIMUM_LINES}: '
                              'split the module by subject')


def _imported(tree: ast.Module) -> collections.abc.Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def eventlet_import(source: Source) -> Findings:
    """Check T103: code below cmd/ runs under native threads and must not know of eventlet."""
    if source.path == 'trove/cmd/api.py' or not source.below('trove', 'sandbox'):
        return
    for line, name in _imported(source.tree):
        if name.split('.')[0] == 'eventlet':
            yield line, 'eventlet is imported by trove/cmd/api.py alone'


def formatted_log(source: Source) -> Findings:
    """Check T104: log arguments are formatted only when the line is really written."""
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                and node.func.attr in LOG_METHODS and node.args
                and isinstance(node.func.value, ast.Name) and node.func.value.id == 'LOG'):
            continue
        message = node.args[1 if node.func.attr == 'log' and len(node.args) > 1 else 0]
        formatted = isinstance(message, (ast.JoinedStr, ast.BinOp)) or (
            isinstance(message, ast.Call) and isinstance(message.func, ast.Attribute)
            and message.func.attr == 'format')
        if formatted:
            yield node.lineno, 'give values to the log call as arguments'


def vague_name(source: Source) -> Findings:
    """Check T105: a module is named after what it holds."""
    for part in pathlib.PurePosixPath(source.path).with_suffix('').parts:
        if part in VAGUE_NAMES:
            yield 1, f'"{part}" does not name its content'


def mutable_default(source: Source) -> Findings:
    """Check T106: a default value is shared by all calls."""
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                if isinstance(default, (ast.List, ast.Dict, ast.Set)):
                    yield default.lineno, 'mutable default argument'


def swallowed_error(source: Source) -> Findings:
    """Check T107: a failure nobody hears of is a bug nobody finds."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield node.lineno, 'bare except'
        elif (isinstance(node.type, ast.Name) and node.type.id in ('Exception', 'BaseException')
                and all(isinstance(part, (ast.Pass, ast.Continue)) for part in node.body)):
            yield node.lineno, f'{node.type.id} is swallowed'


def sleeping(source: Source) -> Findings:
    """Check T108: waiting is a row with a due time, not a thread."""
    if not source.below('trove') or source.below(
            'trove/guestagent', 'trove/cmd', 'trove/client'):
        return
    for node in ast.walk(source.tree):
        if (isinstance(node, ast.Attribute) and node.attr == 'sleep'
                and isinstance(node.value, ast.Name) and node.value.id == 'time'):
            yield node.lineno, 'time.sleep: return Wait, or wait on an event'


def foreign_sql(source: Source) -> Findings:
    """Check T109: SQL lives in trove/db."""
    if not source.below('trove') or source.below('trove/db', 'trove/cmd', 'trove/guestagent'):
        return
    for line, name in _imported(source.tree):
        if name.split('.')[0] == 'sqlalchemy':
            yield line, 'sqlalchemy is used in trove/db only'


def test_module(source: Source) -> Findings:
    """Check T110: a test module is found by its name, and tests something."""
    if not source.below('tests/unit', 'tests/functional', 'tests/e2e'):
        return
    name = pathlib.PurePosixPath(source.path).name
    has_tests = any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and node.name.startswith('test') for node in ast.walk(source.tree))
    if name.startswith('test_'):
        # gabbi makes its tests in a loader function.
        loads = 'load_tests' in source.text or 'py_test_generator' in source.text
        if not has_tests and not loads:
            yield 1, 'a test module without a test'
    elif has_tests and source.below('tests/unit') and name != 'conftest.py':
        yield 1, 'tests in a module without the prefix test_'


def _unannotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    missing = [argument.arg for argument in arguments
               if argument.annotation is None and argument.arg not in ('self', 'cls')]
    if function.returns is None and function.name != '__init__':
        missing.append('the result')
    return missing


def annotations(source: Source) -> Findings:
    """Check T111: public functions have annotations."""
    if not source.below('trove') or source.below('trove/db/migrations'):
        return
    for scope in [source.tree, *(node for node in source.tree.body
                                 if isinstance(node, ast.ClassDef))]:
        if isinstance(scope, ast.ClassDef) and scope.name.startswith('_'):
            continue
        for node in scope.body:
            if (isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and not node.name.startswith('_')):
                missing = _unannotated(node)
                if missing:
                    yield node.lineno, f'{node.name}: no annotation for {", ".join(missing)}'


def printing(source: Source) -> Findings:
    """Check T112: services log; only commands print."""
    if not source.below('trove') or source.below('trove/cmd'):
        return
    for node in ast.walk(source.tree):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                and node.func.id == 'print'):
            yield node.lineno, 'print outside trove/cmd'


def headless(source: Source) -> Findings:
    """Check T113: a docstring or comment names its subject."""
    return language_rules.headless_sentences(source.text, source.tree)


def imperative(source: Source) -> Findings:
    """Check T114: the docstring of a function begins with a verb."""
    if source.below('tests'):
        return iter(())
    return language_rules.first_words(source.tree)


def retired(source: Source) -> Findings:
    """Check T115: one word for one thing, and the field's word."""
    if source.path in SPEAK_OF_WORDS:
        return iter(())
    return language_rules.retired_words(source.text)


def input_names(source: Source) -> Findings:
    """Check T116: input is called request, or what it is."""
    return language_rules.input_names(source.tree)


def width(source: Source) -> Findings:
    """Check T117: lines have at most 100 columns. Requests of stories are data."""
    if source.path.endswith('.yaml') and source.below('tests'):
        return iter(())
    return language_rules.long_lines(source.text)


#: Rules for every text file that git knows, beside :data:`RULES` for Python.
TEXT_RULES: dict[str, collections.abc.Callable[[Source], Findings]] = {
    'T115': retired,
    'T117': width,
}

RULES: dict[str, collections.abc.Callable[[Source], Findings]] = {
    'T101': licence_header, 'T102': module_size, 'T103': eventlet_import, 'T104': formatted_log,
    'T105': vague_name, 'T106': mutable_default, 'T107': swallowed_error, 'T108': sleeping,
    'T109': foreign_sql, 'T110': test_module, 'T111': annotations, 'T112': printing,
    'T113': headless, 'T114': imperative, 'T115': retired, 'T116': input_names,
}


def check(source: Source) -> list[Finding]:
    """Return every broken rule of one file."""
    rules = (RULES | TEXT_RULES) if source.is_python else TEXT_RULES
    return [Finding(source.path, line, rule, text)
            for rule, checker in sorted(rules.items()) for line, text in checker(source)]


def sources(root: pathlib.Path) -> collections.abc.Iterator[Source]:
    """Yield the files below ``root`` that git tracks or does not ignore and that people write."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                            cwd=root, check=True, capture_output=True, text=True).stdout
    for name in sorted(set(filter(None, listed.split('\0')))):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        interpreter = _interpreter(path) if not path.suffix else ''
        if path.suffix in TEXT_SUFFIXES or interpreter:
            yield Source(name, path.read_text(encoding='utf-8'),
                         path.suffix == '.py' or 'python' in interpreter)


def _interpreter(path: pathlib.Path) -> str:
    with path.open('rb') as script:
        first = script.readline(80)
    return first.decode('ascii', 'replace') if first.startswith(b'#!') else ''


def main(places: list[str]) -> int:
    """Print the findings; those below ``places`` only, if any are named."""
    root = pathlib.Path(__file__).resolve().parent.parent
    findings = [finding for source in sources(root)
                if not places or source.below(*places) for finding in check(source)]
    for finding in findings:
        print(finding)
    commits = [] if places else list(language_rules.subjects(str(root)))
    for commit, text in commits:
        print(f'{commit}: T118 {text}')
    return 1 if findings or commits else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
