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
"""Configuration files of PostgreSQL, and options of its command line, out of reach of files and
ALTER SYSTEM.
"""

import os
import re
from collections.abc import Mapping

from trove.guestagent.datastore.engine import Place

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*')
_LINE = re.compile(
    r"""\s*(?P<name>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*)\s*(?:=\s*|(?<=\s)|(?='))"""
    r"""(?P<value>'(?:[^'\\\n]|\\.|'')*'|[^\s'#=][^\s#]*)\s*(?:\#.*)?$""", re.VERBOSE)
_ESCAPED = re.compile(r"\\([0-7]{1,3}|.)|''", re.DOTALL)
_LETTERS = {'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

SOCKET_DIRECTORY = '/run/postgresql'
PORT = 5432


def archive_command(mount_point: str) -> str:
    """Return a command that copies finished WAL segments to the archive directory if it exists.

    Archive mode needs a restart to change, so it is always on; creating the directory switches
    archiving on. An identical existing copy is a success, because the server repeats the command
    after a crash.
    """
    there = os.path.join(mount_point, 'wal_archive')
    return (f'test ! -d {there} || cmp -s %p {there}/%f || '
            f'{{ test ! -e {there}/%f && cp %p {there}/.%f.tmp && sync {there}/.%f.tmp '
            f'&& mv {there}/.%f.tmp {there}/%f; }}')


def fixed(place: Place, configuration_directory: str, socket_directory: str = SOCKET_DIRECTORY,
          port: int = PORT) -> dict[str, str]:
    """Return the options that no file may override.

    They set where the agent finds the server, client authentication, and every option that makes
    the server run a program or load a library.
    """
    return {
        'config_file': os.path.join(configuration_directory, 'postgresql.conf'),
        'hba_file': os.path.join(configuration_directory, 'pg_hba.conf'),
        'ident_file': os.path.join(configuration_directory, 'pg_ident.conf'),
        'listen_addresses': '*',
        'port': str(port),
        'unix_socket_directories': socket_directory,
        'unix_socket_permissions': '0777',
        'password_encryption': 'scram-sha-256',
        'archive_mode': 'on',
        'archive_command': archive_command(place.mount_point),
        'archive_library': '',
        'archive_cleanup_command': '',
        'recovery_end_command': '',
        'ssl_passphrase_command': '',
        'shared_preload_libraries': '',
        'session_preload_libraries': '',
        'dynamic_library_path': '$libdir',
        'allow_system_table_mods': 'off',
        'logging_collector': 'on',
        'log_destination': 'stderr',
        'log_directory': place.log_directory,
        'log_filename': LOG_FILE,
        'log_file_mode': '0640',
        # Reopening must continue the file of that name, not truncate it.
        'log_truncate_on_rotation': 'off',
        'log_rotation_age': '0',
        'log_rotation_size': '0',
    }


LOG_FILE = 'postgresql.log'


def command_line(server: str, data_directory: str, options: Mapping[str, str]) -> list[str]:
    """Return the arguments that start the server."""
    line = [server, '-D', data_directory]
    for name, value in options.items():
        line += ['-c', f'{name}={value}']
    return line


def unit_line(arguments: list[str]) -> str:
    """Return a command line for systemd, each argument quoted and free of substitutions."""
    return ' '.join('"' + _unit_text(argument) + '"' for argument in arguments)


def _unit_text(argument: str) -> str:
    if any(ord(character) < 32 for character in argument):
        raise ValueError('A control character cannot stand on a command line.')
    for special, plain in (('\\', '\\\\'), ('"', '\\"'), ('%', '%%'), ('$', '$$')):
        argument = argument.replace(special, plain)
    return argument


def render(options: Mapping[str, str]) -> str:
    """Return a configuration file with quoted values; a value with a line break is refused.

    :raises ValueError: names the option.
    """
    lines = []
    for name, value in options.items():
        if not _NAME.fullmatch(name) or any(ord(character) < 32 for character in value):
            raise ValueError(f'The option {name!r} cannot be written.')
        quoted = value.replace('\\', '\\\\').replace("'", "''")
        lines.append(f"{name} = '{quoted}'")
    return '\n'.join(lines) + '\n' if lines else ''


def parse(text: str) -> dict[str, str]:
    """Return the options of a file, names in lower case, without include directives."""
    found: dict[str, str] = {}
    for raw in text.split('\n'):
        line = _LINE.match(raw)
        if line and not line['name'].lower().startswith('include'):
            found[line['name'].lower()] = _plain(line['value'])
    return found


def _plain(value: str) -> str:
    if not value.startswith("'"):
        return value
    return _ESCAPED.sub(_unescaped, value[1:-1])


def _unescaped(pair: re.Match[str]) -> str:
    if pair[1] is None:
        return "'"
    if pair[1][0] in '01234567':
        return chr(int(pair[1], 8) & 0xFF)
    return _LETTERS.get(pair[1], pair[1])
