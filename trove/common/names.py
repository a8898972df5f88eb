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
"""Rules for names, hosts and passwords, and user ids in paths. Pure.

The description of an engine selects its rules (:mod:`trove.common.engines`). A broken rule raises
ValueError with the end of a sentence that begins with the path of the field.
"""

import dataclasses
import ipaddress
import re
from urllib import parse

ANY_HOST = '%'

#: Optional leading %, then a word with dots, optional trailing %.
_HOST = re.compile(r'%?[\w().-]*%?', re.ASCII)
#: Hosts from which only processes of the database server connect.
_LOCAL_HOSTS = frozenset({'localhost', '127.0.0.1', '::1'})
_GROUPS = 4


def has_control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextRule:
    """Rule for names or passwords.

    :param bytes: ``longest`` counts bytes of UTF-8, as the engine does.
    :param pattern: regular expression for the whole text, described by ``must``.
    :param without: forbidden characters.
    """
    shortest: int = 0
    longest: int | None = None
    bytes: bool = False
    pattern: str = ''
    must: str = ''
    without: str = ''
    blanks_around: bool = True
    blanks_behind: bool = True
    beyond_basic_plane: bool = True

    def check(self, text: str) -> None:
        """Check a text.

        :raises ValueError: with the end of a sentence.
        """
        self._check_length(text)
        if not self.blanks_around and text != text.strip():
            raise ValueError('must not begin or end with white space')
        if not self.blanks_behind and text != text.rstrip():
            raise ValueError('must not end in white space')
        if has_control(text):
            raise ValueError('must not have control characters')
        if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
            raise ValueError('must not have half a character')
        if not self.beyond_basic_plane and any(ord(character) > 0xFFFF for character in text):
            raise ValueError('must not have characters outside the basic multilingual plane')
        if not set(self.without).isdisjoint(text):
            raise ValueError(f'must not have any of {" ".join(self.without)}')
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise ValueError(f'must {self.must}')

    def _check_length(self, text: str) -> None:
        # A lone surrogate has no bytes; a later check refuses it.
        length = len(text.encode('utf-8', 'replace')) if self.bytes else len(text)
        longest = length if self.longest is None else self.longest
        if len(text) < self.shortest or length > longest:
            counted = 'characters'
            if self.bytes:
                counted += ', and in UTF-8 at most that many bytes'
            raise ValueError(f'must have {self.shortest} to {self.longest} {counted}')


def check_host(host: str, *, matters: bool, require_valid_ip: bool) -> None:
    """Check the host of a user.

    :param matters: whether the engine uses hosts; else only the syntax is checked.
    :param require_valid_ip: require an IP address, with every % read as 1.
    :raises ValueError: with the end of a sentence.
    """
    if not host or host != host.strip() or len(host) > 255 or not _HOST.fullmatch(host):
        raise ValueError('must be %, an address, or an address with a leading or trailing %')
    if matters and host.lower() in _LOCAL_HOSTS:
        raise ValueError('must not be the database server itself')
    if not matters or host == ANY_HOST or not require_valid_ip:
        return
    try:
        ipaddress.ip_network(_completed(host.replace('%', '1')), strict=False)
    except ValueError:
        raise ValueError('must be % or an IP address, possibly ending in %') from None


def _completed(pattern: str) -> str:
    """Return ``10.1.1`` (from ``10.1.%``) as an address, with missing groups added."""
    groups = pattern.split('.')
    if 1 < len(groups) < _GROUPS and all(group.isdigit() for group in groups):
        groups += ['0'] * (_GROUPS - len(groups))
    return '.'.join(groups)


def split_user(text: str) -> tuple[str, str]:
    """Return name and host of a user id in a path.

    Clients quote both parts, some of them twice. ``a@b`` is user a at b, ``a@`` is a user with that
    name.
    """
    text = parse.unquote(text)
    name, at, host = text.rpartition('@')
    if not at or not host:
        return text, ANY_HOST
    return name, host
