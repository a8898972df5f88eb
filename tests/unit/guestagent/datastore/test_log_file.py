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

"""Logs as files: cut at lines and characters, counted, without trust in their owner."""

import os

import pytest

from trove.guestagent.datastore.log_file import LogFile, NotReadable, Published, lines_in, text_of


@pytest.fixture
def write(tmp_path):
    def write(content, name='a.log'):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)
    return write


def pieces(path, most):
    with LogFile(path, os.geteuid()) as log:
        start = 0
        while start < log.size:
            end = log.piece_end(start, most)
            if end == start:
                break
            yield log.read(start, end)
            start = end


@pytest.mark.parametrize(('content', 'most', 'expected'), [
    (b'', 10, []),
    (b'one\ntwo\n', 10, [b'one\ntwo\n']),
    (b'one\ntwo\nthree\n', 10, [b'one\ntwo\n', b'three\n']),
    (b'one\ntwo\nthree', 8, [b'one\ntwo\n', b'three']),
    (b'0123456789\n', 4, [b'0123', b'4567', b'89\n']),
    ('ää\n'.encode(), 3, ['ä'.encode(), 'ä\n'.encode()]),
    ('🐬🐬'.encode(), 7, ['🐬'.encode(), '🐬'.encode()]),
    (b'x\n\xe6\x95', 10, [b'x\n']),
    # An invalid byte is not the beginning of a character.
    (b'\x80\x80\x80\x80\x80', 10, [b'\x80\x80\x80\x80\x80']),
    (b'ab\xffcd', 3, [b'ab\xff', b'cd']),
])
def test_pieces(write, content, most, expected):
    assert list(pieces(write(content), most)) == expected


@pytest.mark.parametrize(('text', 'lines'), [(b'', 0), (b'a', 1), (b'a\n', 1), (b'a\nb', 2),
                                             (b'\n\n', 2)])
def test_lines(text, lines):
    assert lines_in(text) == lines


def test_any_bytes_become_text():
    assert text_of('ä'.encode() + b'\xff').decode() == 'ä\\xff'


def of(path, size):
    with LogFile(path, os.geteuid()) as log:
        return Published(size=size, inode=log.inode, header=size, digest=log.digest(size))


def rotated(path, published):
    with LogFile(path, os.geteuid()) as log:
        return log.was_rotated(published)


def test_a_file_that_only_grew_is_the_same(write):
    path = write(b'one\n')
    published = of(path, 4)
    write(b'one\ntwo\n')
    assert not rotated(path, published)


def test_nothing_published_is_never_rotated(write):
    assert not rotated(write(b'x'), Published())


@pytest.mark.parametrize('content', [b'on', b'two\nthree\n'])
def test_other_content_is_another_file(write, content):
    path = write(b'one\n')
    published = of(path, 4)
    write(content)
    assert rotated(path, published)


def test_the_same_words_in_another_file_are_another_log(write):
    path = write(b'header\n')
    published = of(path, 7)
    os.rename(path, path + '.1')
    assert rotated(write(b'header\nmore\n'), published)


@pytest.mark.parametrize('make', [
    lambda path: os.symlink('/etc/passwd', path), os.mkfifo, os.mkdir, lambda path: None], ids=[
        'link', 'pipe', 'directory', 'nothing'])
def test_what_is_no_plain_file_is_not_read(tmp_path, make):
    path = str(tmp_path / 'a.log')
    make(path)
    with pytest.raises(NotReadable):
        LogFile(path, os.geteuid())


def test_a_file_of_somebody_else_is_not_read(write):
    with pytest.raises(NotReadable, match='account'):
        LogFile(write(b'x'), os.geteuid() + 1)
