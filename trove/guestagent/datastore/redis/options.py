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

"""Configuration files of Redis: written, read, and values compared.

A value is a text as ``CONFIG SET`` takes it: the arguments of a directive with several, joined by
blanks, else the single argument.
"""

import re
from collections.abc import Mapping

#: Directives with several arguments, each a plain word.
SEVERAL = frozenset({
    'save', 'client-output-buffer-limit', 'oom-score-adj-values', 'bind', 'bind-source-addr',
    'latency-tracking-info-percentiles', 'include'
})
_PLAIN = re.compile(r'[A-Za-z0-9_./:%*+,@^-]+')
_WORDS = re.compile(r'[A-Za-z0-9_./:%*+,@^ -]*')
_ESCAPES = {'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}
_SIZE = re.compile(r'([0-9]+)(b|k|kb|m|mb|g|gb)', re.IGNORECASE)
_UNITS = {'b': 1, 'k': 1000, 'kb': 1024, 'm': 1000**2, 'mb': 1024**2, 'g': 1000**3, 'gb': 1024**3}
#: Fields of one class of clients in client-output-buffer-limit.
_CLASS = 4
_OLD_NAMES = {'slave': 'replica'}


def render(options: Mapping[str, str]) -> str:
    """Return a configuration file; a value that could begin another directive is refused.

    :raises ValueError: names the option.
    """
    return ''.join(f'{name} {_argument(name, value)}\n' for name, value in options.items())


def _argument(name: str, value: str) -> str:
    if not _PLAIN.fullmatch(name) or any(
            ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError(f'The option {name!r} cannot be written.')
    if name in SEVERAL and value.strip():
        if not _WORDS.fullmatch(value):
            raise ValueError(f'The option {name!r} takes plain words only.')
        return ' '.join(value.split())
    if _PLAIN.fullmatch(value):
        return value
    return '"' + value.replace('\\', '\\\\').replace('"', '\\"') + '"'


def parse(text: str) -> dict[str, str]:
    """Return the options of a file, names in lower case.

    A repeated directive replaces the earlier one, or adds to it if it has several arguments. Lines
    with unclosed quotes are left out; the check with the server binary reports them.
    """
    found: dict[str, str] = {}
    for line in text.split('\n'):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        name, _, rest = line.partition(' ')
        name = name.lower()
        words = split(rest)
        if words is None:
            continue
        value = ' '.join(words)
        if name in SEVERAL and value and found.get(name):
            value = f'{found[name]} {value}'
        found[name] = value
    return found


def split(text: str) -> list[str] | None:
    """Return the arguments of a line without their quotes; None if a quote is not closed."""
    words: list[str] = []
    position, length = 0, len(text)
    while position < length:
        if text[position].isspace():
            position += 1
            continue
        word = []
        while position < length and not text[position].isspace():
            quote = text[position]
            if quote not in '"\'':
                word.append(quote)
                position += 1
                continue
            taken = _quoted(text, position)
            if taken is None:
                return None
            piece, position = taken
            word.append(piece)
        words.append(''.join(word))
    return words


def _quoted(text: str, position: int) -> tuple[str, int] | None:
    """Return the text in the quotes at a position, and the position after them."""
    quote, piece = text[position], list[str]()
    position += 1
    while position < len(text):
        character = text[position]
        if character == quote:
            return ''.join(piece), position + 1
        if character == '\\' and position + 1 < len(text):
            following = text[position + 1]
            if quote == '"':
                piece.append(_ESCAPES.get(following, following))
                position += 2
                continue
            if following == quote:
                piece.append(quote)
                position += 2
                continue
        piece.append(character)
        position += 1
    return None


def same(name: str, configured: str, running: str) -> bool:
    """Return whether a value of a file and a running value mean the same."""
    if configured == running or configured.lower() == running.lower():
        return True
    if name == 'notify-keyspace-events':
        return _flags(configured) == _flags(running)
    if name == 'client-output-buffer-limit':
        # The server shows all classes, a file only the changed ones.
        return _classes(configured).items() <= _classes(running).items()
    return [number(word)
            for word in configured.split()] == [number(word) for word in running.split()]


def number(word: str) -> int | str:
    """Return a size in bytes; another word in lower case."""
    if word.isdigit():
        return int(word)
    sized = _SIZE.fullmatch(word)
    return int(sized[1]) * _UNITS[sized[2].lower()] if sized else word.lower()


def _classes(value: str) -> dict[str, tuple[int | str, ...]]:
    words = value.split()
    groups = [words[at:at + _CLASS] for at in range(0, len(words), _CLASS)]
    return {
        _OLD_NAMES.get(group[0], group[0]): tuple(number(word)
                                                  for word in group[1:])
        for group in groups
    }


def _flags(value: str) -> frozenset[str]:
    """Return the letters of notify-keyspace-events; A means all classes of events."""
    return frozenset(value.replace('A', 'g$lshzxetd'))
