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

"""Which names, hosts and passwords each engine takes, and how a user is named in a path.

Pure: the reserved names, which operators set, are passed in. Failures are ValueError with the end of a sentence, to
stand after the path of the field.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Callable
from urllib import parse

from trove.common import charsets

ANY_HOST = '%'

_MYSQL_DATABASE = re.compile(r'[A-Za-z0-9_-]+(?:[?#@]+|[ ]+)?[A-Za-z0-9_-]+')
_MYSQL_FORBIDDEN = frozenset('\'"`;,/\\')
#: Optional leading %, then a word with dots, optional trailing %.
_HOST = re.compile(r'%?[\w().-]*%?', re.ASCII)
#: Hosts through which only somebody on the database server itself could come.
_LOCAL_HOSTS = frozenset({'localhost', '127.0.0.1', '::1'})
_GROUPS = 4


def has_control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)


def _mysql_database(name: str) -> None:
    if not 2 <= len(name) <= 64:
        raise ValueError('must have 2 to 64 characters')
    if not _MYSQL_DATABASE.fullmatch(name):
        raise ValueError('must be made of letters, digits, _ and -, with at most one run of spaces or ?, #, @ in the '
                         'middle')


def _mysql_text(text: str) -> None:
    if has_control(text):
        raise ValueError('must not have control characters')
    if not _MYSQL_FORBIDDEN.isdisjoint(text):
        raise ValueError('must not have any of \' " ; ` , / \\')


def _mysql_user(name: str) -> None:
    if not 1 <= len(name) <= 32:
        raise ValueError('must have 1 to 32 characters')
    if name != name.strip():
        raise ValueError('must not begin or end with white space')
    if any(ord(character) > 0xFFFF for character in name):
        raise ValueError('must not have characters outside the basic multilingual plane')
    _mysql_text(name)


def _mysql_password(password: str) -> None:
    _mysql_text(password)


def _postgresql_database(name: str) -> None:
    if not 2 <= len(name) <= 63 or len(name.encode()) > 63:
        raise ValueError('must have 2 to 63 characters')
    if name != name.rstrip():
        raise ValueError('must not end in white space')
    if has_control(name):
        raise ValueError('must not have control characters')


def _postgresql_user(name: str) -> None:
    if not 1 <= len(name) <= 63 or len(name.encode()) > 63:
        raise ValueError('must have 1 to 63 characters')
    if has_control(name):
        raise ValueError('must not have control characters')


def _postgresql_password(password: str) -> None:
    if has_control(password):
        raise ValueError('must not have control characters')


@dataclasses.dataclass(frozen=True)
class EngineNames:
    """The naming rules of one engine; each check raises ValueError with the end of a sentence.

    :param has_hosts: whether a user belongs to a host; if not, hosts are accepted and ignored.
    :param has_charsets: whether character sets are ours to check.
    :param reserved_users: names and beginnings of names the guest keeps for itself, whatever the operator sets.
    """

    check_database: Callable[[str], None]
    check_user: Callable[[str], None]
    check_password: Callable[[str], None]
    has_hosts: bool
    has_charsets: bool
    root_user: str
    reserved_users: frozenset[str] = frozenset()
    reserved_user_prefixes: tuple[str, ...] = ()

    def is_reserved_user(self, name: str) -> bool:
        folded = name.casefold()
        return folded in self.reserved_users or folded.startswith(self.reserved_user_prefixes)

    def check_host(self, host: str, *, require_valid_ip: bool) -> None:
        """:param require_valid_ip: with every % read as 1, the host must be an address."""
        if not host or host != host.strip() or len(host) > 255 or not _HOST.fullmatch(host):
            raise ValueError('must be %, an address, or an address with a leading or trailing %')
        if self.has_hosts and host.lower() in _LOCAL_HOSTS:
            raise ValueError('must not be the database server itself, from where nobody connects')
        if not self.has_hosts or host == ANY_HOST or not require_valid_ip:
            return
        try:
            ipaddress.ip_network(_completed(host.replace('%', '1')), strict=False)
        except ValueError:
            raise ValueError('must be % or an IP address, possibly ending in %') from None

    def charset(self, character_set: str | None, collate: str | None) -> tuple[str | None, str | None]:
        """The character set and collation that are meant. PostgreSQL's are passed through."""
        if not self.has_charsets:
            return character_set, collate
        return charsets.resolve(character_set, collate)


def _completed(pattern: str) -> str:
    """``10.1.1`` (from ``10.1.%``) as an address: the missing groups do not matter to its form."""
    groups = pattern.split('.')
    if 1 < len(groups) < _GROUPS and all(group.isdigit() for group in groups):
        groups += ['0'] * (_GROUPS - len(groups))
    return '.'.join(groups)


_MYSQL = EngineNames(_mysql_database, _mysql_user, _mysql_password, has_hosts=True, has_charsets=True,
                     root_user='root',
                     reserved_users=frozenset({'os_admin', 'root', 'mysql', 'mariadb.sys', 'healthcheck', 'public'}),
                     reserved_user_prefixes=('trove_', 'repl_'))
_POSTGRESQL = EngineNames(_postgresql_database, _postgresql_user, _postgresql_password, has_hosts=False,
                          has_charsets=False, root_user='postgres')

_RULES = {'mysql': _MYSQL, 'mariadb': _MYSQL, 'percona': _MYSQL, 'pxc': _MYSQL, 'postgresql': _POSTGRESQL}

#: Managers whose databases and users can be worked on over the API.
WITH_OBJECTS = ('mysql', 'mariadb', 'postgresql')


def of(manager: str | None) -> EngineNames:
    """The rules of a datastore manager; an unknown one has those of MySQL."""
    return _RULES.get(manager or '', _MYSQL)


def split_user(text: str) -> tuple[str, str]:
    """The name and host that a user id in a path means.

    Clients quote both parts, some of them once more than HTTP takes away again. ``a@b`` is user a at b, ``a@`` is a
    user with that name.
    """
    text = parse.unquote(text)
    name, at, host = text.rpartition('@')
    if not at or not host:
        return text, ANY_HOST
    return name, host


def join_user(name: str, host: str | None) -> str:
    """The id of a user as lists are sorted and paged by it."""
    return f'{name}@{host or ANY_HOST}'
