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

"""Option files of the MySQL family: one section ``[mysqld]``, one option per line."""

import re
from collections.abc import Mapping

SECTION = 'mysqld'
_SECTIONS_READ = frozenset({'mysqld', 'server', 'mariadb', 'mariadbd'})
_TAIL_COMMENT = ' #'
_BLANKS = ' \t\r'
_ESCAPE = re.compile(r'\\([\\"\'])')


def render(options: Mapping[str, str]) -> str:
    """Return an option file; a value that could begin another option is refused.

    :raises ValueError: names the option.
    """
    lines = [f'[{SECTION}]']
    for name, value in options.items():
        if any(ord(character) < 32 for character in name + value) or not name or name[0] in '[#;!':
            raise ValueError(f'The option {name!r} cannot be written.')
        lines.append(f'{name} = {_quoted(value)}')
    return '\n'.join(lines) + '\n'


def _quoted(value: str) -> str:
    """Quote a value with blanks or comment signs; escape backslashes and double quotes in it."""
    if value and not set(value) & set(' #;\'"\\'):
        return value
    return '"' + value.replace('\\', '\\\\').replace('"', '\\"') + '"'


def parse(text: str) -> dict[str, str]:
    """Return the server's options, names with underscores; an option without a value has ""."""
    found: dict[str, str] = {}
    section = ''
    for raw in text.split('\n'):
        line = raw.strip(_BLANKS)
        if not line or line[0] in '#;!':
            continue
        if line.startswith('['):
            section = line.strip('[]').lower()
            continue
        if section not in _SECTIONS_READ:
            continue
        name, _, value = line.partition('=')
        found[name.strip(_BLANKS).replace('-', '_').lower()] = _plain(value.strip(_BLANKS))
    return found


def _plain(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in '\'"':
        return _ESCAPE.sub(r'\1', value[1:-1])
    return value.partition(_TAIL_COMMENT)[0].strip(_BLANKS)
