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

"""Log as a growing file: measured in bytes, cut at lines, read without trust in the owner of its
directory.

A tenant with root in the engine controls the engine's account and its log directory, where a name
may lead anywhere. So the agent opens a log only if it is no link, is a plain file, and belongs to
the engine's account, which could read it anyway.
"""

import hashlib
import os
import stat
from dataclasses import dataclass

#: First bytes of a file that identify the published one.
HEADER = 1024
#: Ranges of the first byte of UTF-8 characters, and the length of those characters.
_BEGINNINGS = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))


class NotReadable(Exception):
    """Missing log, or a file that the agent refuses to read."""


@dataclass(frozen=True)
class Published:
    """State of the upload of a log, kept beside the data as JSON."""
    #: Bytes uploaded.
    size: int = 0
    #: Inode of the file, and the digest of its first ``header`` bytes.
    inode: int = 0
    digest: str = ''
    header: int = 0
    #: Names of the first and the last object; "" without one.
    first: str = ''
    last: str = ''
    #: End of the object that is being uploaded as ``last``; 0 for none.
    storing: int = 0


class LogFile:
    """Open log; a context manager.

    :param owner: uid that must own the file.
    :raises NotReadable: the file is missing or refused.
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
        #: Bytes at the time of opening; later bytes belong to the next upload.
        self.size = found.st_size
        self.inode = found.st_ino

    def __enter__(self) -> 'LogFile':
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._descriptor)

    def read(self, start: int, end: int) -> bytes:
        """:raises NotReadable: the file became shorter."""
        parts = []
        while start < end:
            part = os.pread(self._descriptor, end - start, start)
            if not part:
                raise NotReadable('the log became shorter while it was read')
            parts.append(part)
            start += len(part)
        return b''.join(parts)

    def digest(self, size: int) -> str:
        """Return the SHA-256 of the first ``size`` bytes; "" if the file is shorter."""
        if size > self.size:
            return ''
        return hashlib.sha256(self.read(0, size)).hexdigest()

    def was_rotated(self, published: Published) -> bool:
        """Return whether the uploaded bytes are not the beginning of this file."""
        if not published.size:
            return False
        return (self.size < published.size or self.inode != published.inode
                or self.digest(published.header) != published.digest)

    def piece_end(self, start: int, most: int) -> int:
        """Return the end of the next object: after the last whole line, else character, that fits.

        The end is ``start`` if only a part of a character was written so far.
        """
        end = min(self.size, start + most)
        if end == self.size:
            return self._whole_characters(start, end)
        cut = self.read(start, end).rfind(b'\n')
        return start + cut + 1 if cut >= 0 else self._whole_characters(start, end)

    def _whole_characters(self, start: int, end: int) -> int:
        """Return ``end`` before an incomplete UTF-8 character; invalid bytes stay as they are."""
        tail = self.read(max(start, end - 4), end)
        for back in range(1, min(4, len(tail)) + 1):
            byte = tail[-back]
            if byte & 0xC0 == 0x80:
                continue
            length = next((size for least, most, size in _BEGINNINGS if least <= byte <= most), 1)
            return end - back if length > back else end
        return end


def text_of(piece: bytes) -> bytes:
    """Return UTF-8, with invalid bytes as ``\\xff``: clients decode, and a log may have any byte.
    """
    return piece.decode('utf-8', 'backslashreplace').encode('utf-8')


def lines_in(text: bytes) -> int:
    """Return the number of lines, including a last one without its end."""
    return text.count(b'\n') + (0 if not text or text.endswith(b'\n') else 1)
