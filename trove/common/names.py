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
"""What names, hosts and passwords may be, and how a user is named in a path.

Pure. Which rules an engine has, its description says (:mod:`trove.common.engines`). Failures are ValueError with the
end of a sentence, to stand after the path of the field.
"""

import dataclasses
import ipaddress
import re
from urllib import parse

ANY_HOST = '%'

#: Optional leading %, then a word with dots, optional trailing %.
_HOST = re.compile(r'%?[\w().-]*%?', re.ASCII)
#: Hosts through which only somebody on the database server itself could come.
_LOCAL_HOSTS = frozenset({'localhost', '127.0.0.1', '::1'})
_GROUPS = 4


def has_control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextRule:
    """What a name or a password may be.

    :param bytes: ``longest`` counts bytes of UTF-8, because the engine does.
    :param pattern: what the whole text must match; ``must`` says that in words.
    :param without: characters it must not have.
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
        """:raises ValueError: with the end of a sentence."""
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
        # Half a character has no bytes; what is wrong with it is said later.
        length = len(text.encode('utf-8', 'replace')) if self.bytes else len(text)
        longest = length if self.longest is None else self.longest
        if len(text) < self.shortest or length > longest:
            counted = 'characters, and in UTF-8 at most that many bytes' if self.bytes else 'characters'
            raise ValueError(f'must have {self.shortest} to {self.longest} {counted}')


def check_host(host: str, *, matters: bool, require_valid_ip: bool) -> None:
    """A host that a user may belong to.

    :param matters: whether the engine looks at it; if not, only its form is checked.
    :param require_valid_ip: with every % read as 1, the host must be an address.
    :raises ValueError:
    """
    if not host or host != host.strip() or len(host) > 255 or not _HOST.fullmatch(host):
        raise ValueError('must be %, an address, or an address with a leading or trailing %')
    if matters and host.lower() in _LOCAL_HOSTS:
        raise ValueError('must not be the database server itself, from where nobody connects')
    if not matters or host == ANY_HOST or not require_valid_ip:
        return
    try:
        ipaddress.ip_network(_completed(host.replace('%', '1')), strict=False)
    except ValueError:
        raise ValueError('must be % or an IP address, possibly ending in %') from None


def _completed(pattern: str) -> str:
    """``10.1.1`` (from ``10.1.%``) as an address: the missing groups do not matter to its form."""
    groups = pattern.split('.')
    if 1 < len(groups) < _GROUPS and all(group.isdigit() for group in groups):
        groups += ['0'] * (_GROUPS - len(groups))
    return '.'.join(groups)


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
