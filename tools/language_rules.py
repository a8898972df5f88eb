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

"""Rules about words and sentences: docstrings, comments, names, prose and commit subjects.

Each function takes text and yields ``(line, finding)``; :mod:`check_rules` runs them.
"""

import ast
import collections.abc
import io
import re
import subprocess
import tokenize

MAXIMUM_COLUMNS = 100
MAXIMUM_SUBJECT = 72
#: Last commit before subjects were checked.
SUBJECTS_SINCE = 'f5e60db'

Findings = collections.abc.Iterator[tuple[int, str]]

HEADLESS = re.compile(r'(What|Who|Whom|Whose|Whether|How|Whoever|Whatever)\b')

#: Retired word: the word to write. The patterns match whole words, also inside identifiers.
RETIRED = {
    r'bells?': 'RPC client, wake_taskmanager',
    r'doors?|BusDoors?': 'RPC client',
    r'chores?': 'periodic task',
    r'told|tells?|telling': 'reported, returned, emitted, logged, requested or configured',
    r'says?|said|saying': 'reported, returned, emitted, logged, requested or configured',
    r'whose': 'the owner, the caller or the noun',
    r'who(?:m)?ever': 'owner, caller or filter',
    r'rehears(?:al|e|ed|ing)': 'dry_run',
    r'hurr(?:y|ies|ied)': 'run_now',
    r'nudg(?:e|es|ed|ing)': 'make_due',
    r'undoing': 'revert',
    r'(?:turn(?:s|ed|ing)?|take[sn]?|taking|took) back': 'revert',
    r'heal(?:s|ed|ing)?|mend(?:s|ed|ing)?': 'repair',
    r'tend(?:s|ed|ing)?': 'run the periodic task',
    r'token_memory|Remembering': 'token_cache',
    r'requests_measured': 'request_metrics',
    r'stored_names': 'object_names',
    r'lastseen': 'replay_marks',
    r'few_arenas': 'limit_malloc_arenas',
    r'\w+_forms?': 'schema',
}
_RETIRED = {re.compile(rf'(?<![A-Za-z])(?:{pattern})(?![A-Za-z])', re.IGNORECASE): better
            for pattern, better in RETIRED.items()}
#: Names of columns, a stored state and an event type, which clients and upgrades rely on.
_SCHEMA_NAMES = re.compile(
    r"cancel_wanted|nudged_at|conductor_lastseen|instance\.mended|(?<=['\"`])undoing(?=['\"`])")
#: Vague names of input.
_VAGUE_INPUT = re.compile(r'(?:^|_)(?:asked|wanted|told)(?:$|_)')

#: First words that begin a noun phrase or a clause where a verb is due.
_NOT_A_VERB = frozenset(
    'a an the this that these those it its they he she we you i one each every all both any some '
    'no not none nothing nobody only also if when while where as because before after for from in '
    'into of on to with without by at than there here is are was were has had true false '
    'what who whose whether how'.split())
#: Verbs that end in -s in the imperative.
_ENDS_IN_S = frozenset(
    'access address bypass compress cross decompress discuss dismiss express focus guess miss pass '
    'possess press process progress suppress toss alias bias'.split())


def retired_words(text: str) -> Findings:
    """Yield the retired words of a text, with the line they stand in, counted from 1."""
    for number, line in enumerate(_SCHEMA_NAMES.sub('', text).splitlines(), 1):
        for pattern, better in _RETIRED.items():
            found = pattern.search(line)
            if found:
                yield number, f'"{found[0]}": write {better}'


def long_lines(text: str) -> Findings:
    """Yield the lines that are too wide; one word or a paste pipeline cannot be split."""
    for number, line in enumerate(text.splitlines(), 1):
        is_divisible = len(line.split()) > 2 and not line.startswith('pipeline = ')
        if len(line) > MAXIMUM_COLUMNS and is_divisible:
            yield number, f'{len(line)} columns, more than {MAXIMUM_COLUMNS}'


def comment_blocks(text: str) -> collections.abc.Iterator[tuple[int, str]]:
    """Yield each block of comment lines as ``(first line, text)``."""
    block: list[str] = []
    begun = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        is_continued = block and line == last + 1 and not token.line[:token.start[1]].strip()
        if not is_continued:
            if block:
                yield begun, ' '.join(block)
            block, begun = [], line
        block.append(token.string.lstrip('#:! ').rstrip())
        last = line
    if block:
        yield begun, ' '.join(block)


def docstrings(tree: ast.Module) -> collections.abc.Iterator[tuple[ast.AST, int, str]]:
    """Yield ``(node, line, text)`` for each docstring of a module."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield node, node.body[0].lineno, text


def headless_sentences(text: str, tree: ast.Module) -> Findings:
    """Yield docstrings and comments that begin with a clause that lacks its noun."""
    for _node, line, docstring in docstrings(tree):
        found = HEADLESS.match(docstring)
        if found:
            yield line, f'docstring begins with "{found[0]}": name the noun'
    for line, comment in comment_blocks(text):
        found = HEADLESS.match(comment)
        if found:
            yield line, f'comment begins with "{found[0]}": name the noun'


def first_words(tree: ast.Module) -> Findings:
    """Yield docstrings of functions that do not begin with a verb in the imperative."""
    for node, line, docstring in docstrings(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or _is_property(node):
            continue
        first = docstring.split()[0].rstrip(',.:;')
        word = first.lower()
        if docstring.startswith(':'):
            continue  # a list of fields only
        if word in _NOT_A_VERB or not word.isalpha() or not first[0].isupper() or (
                word.endswith('s') and word not in _ENDS_IN_S):
            yield line, f'docstring of {node.name} begins with "{first}": begin with a verb'


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = (getattr(decorator, 'id', None) or getattr(decorator, 'attr', '')
             for decorator in node.decorator_list)
    return any(name.endswith('property') for name in names)


def input_names(tree: ast.Module) -> Findings:
    """Yield parameters and variables named after the act of asking rather than their content."""
    for node in ast.walk(tree):
        name = (node.arg if isinstance(node, (ast.arg, ast.keyword)) else
                node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else
                node.name if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else None)
        if name and _VAGUE_INPUT.search(_SCHEMA_NAMES.sub('', name.lower())):
            yield node.lineno, f'"{name}": write request or requested, or the noun'


def subjects(root: str) -> collections.abc.Iterator[tuple[str, str]]:
    """Yield ``(commit, finding)`` for subjects that are too long, after :data:`SUBJECTS_SINCE`.

    A clone without that commit is checked as far back as its history reaches; a tree without
    history yields nothing.
    """
    known = subprocess.run(['git', 'cat-file', '-e', SUBJECTS_SINCE], cwd=root, check=False,
                           capture_output=True).returncode == 0
    reach = f'{SUBJECTS_SINCE}..HEAD' if known else 'HEAD'
    log = subprocess.run(['git', 'log', '--no-merges', '--format=%h%x09%s', reach], cwd=root,
                         check=False, capture_output=True, text=True)
    for entry in log.stdout.splitlines() if log.returncode == 0 else ():
        commit, _tab, subject = entry.partition('\t')
        if len(subject) > MAXIMUM_SUBJECT:
            yield commit, f'subject has {len(subject)} characters, more than {MAXIMUM_SUBJECT}'
