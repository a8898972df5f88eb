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

"""A log as a file that grows: read without trusting whoever owns its directory, measured in bytes, cut at lines.

A tenant with root in the engine owns the engine's account, and with it the directory of its logs: a name there may
lead anywhere. So a log is only what opens without following a link, is a plain file, and belongs to the engine's
account, which could read it without us.
"""

import hashlib
import os
import stat
from dataclasses import dataclass

#: Bytes at the beginning that tell whether a file is still the one that was published.
HEADER = 1024
#: First bytes of UTF-8 characters, and how many bytes those have.
_BEGINNINGS = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))


class NotReadable(Exception):
    """There is no such log, or it is none that the agent would read."""


@dataclass(frozen=True)
class Published:
    """How far a log was stored, and in which file. Kept beside the data, as JSON."""
    #: Bytes stored.
    size: int = 0
    #: The file they came from: its number, and the digest of its first ``header`` bytes.
    inode: int = 0
    digest: str = ''
    header: int = 0
    #: Names of the first and the last object; "" when none was stored.
    first: str = ''
    last: str = ''
    #: Where the object ends that is being stored under the name ``last``; 0 when none is.
    storing: int = 0


class LogFile:
    """An open log. A context manager.

    :param owner: number of the account it must belong to.
    :raises NotReadable: it is not there, or nothing to be read.
    """

    def __init__(self, path: str, owner: int) -> None:
        try:
            self._descriptor = os.open(path,
                                       os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NotReadable(f'{path}: {error.strerror}') from None
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
            os.close(self._descriptor)
            raise NotReadable(f"{path} is no plain file of the engine's account")
        #: Bytes, as of the opening: what comes later is for the next time.
        self.size = found.st_size
        self.inode = found.st_ino

    def __enter__(self) -> 'LogFile':
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._descriptor)

    def read(self, start: int, end: int) -> bytes:
        """:raises NotReadable: the file became shorter meanwhile."""
        parts = []
        while start < end:
            part = os.pread(self._descriptor, end - start, start)
            if not part:
                raise NotReadable('the log became shorter while it was read')
            parts.append(part)
            start += len(part)
        return b''.join(parts)

    def digest(self, size: int) -> str:
        """Of the first ``size`` bytes; "" when there are not as many."""
        if size > self.size:
            return ''
        return hashlib.sha256(self.read(0, size)).hexdigest()

    def was_rotated(self, published: Published) -> bool:
        """Whether the bytes that were stored are not the beginning of this file."""
        if not published.size:
            return False
        return (self.size < published.size or self.inode != published.inode
                or self.digest(published.header) != published.digest)

    def piece_end(self, start: int, most: int) -> int:
        """Where the next object ends: after the last whole line that fits, else after the last whole character.

        That is ``start`` when there is nothing but the beginning of a character: its rest is still to be written.
        """
        end = min(self.size, start + most)
        if end == self.size:
            return self._whole_characters(start, end)
        cut = self.read(start, end).rfind(b'\n')
        return start + cut + 1 if cut >= 0 else self._whole_characters(start, end)

    def _whole_characters(self, start: int, end: int) -> int:
        """``end`` without the beginning of a UTF-8 character that is not complete; garbage is left as it is."""
        tail = self.read(max(start, end - 4), end)
        for back in range(1, min(4, len(tail)) + 1):
            byte = tail[-back]
            if byte & 0xC0 == 0x80:
                continue
            wanted = next((size for least, most, size in _BEGINNINGS if least <= byte <= most), 1)
            return end - back if wanted > back else end
        return end


def text_of(piece: bytes) -> bytes:
    """UTF-8, with bytes that are none as ``\\xff``: clients decode what they read, and a log may hold anything."""
    return piece.decode('utf-8', 'backslashreplace').encode('utf-8')


def lines_in(text: bytes) -> int:
    """How many lines; the last one counts without its end."""
    return text.count(b'\n') + (0 if not text or text.endswith(b'\n') else 1)
