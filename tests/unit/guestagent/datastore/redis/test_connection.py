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

"""Replies of a server, as bytes on its socket, and the errors that the agent raises for them."""

import contextlib
import socket
import threading
import time

import pytest

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut
from trove.guestagent.datastore.redis import connection

HASH = 'ab' * 32


@contextlib.contextmanager
def server(directory, *replies, closes_first=False):
    """Serve one client: send a reply for each command received, then close the connection.

    :param closes_first: send the replies and close before a command is read, as a full server does.
    """
    path = str(directory / 'socket')
    received = []
    closed = threading.Event()

    def serve():
        client, _ = listener.accept()
        with client:
            for reply in replies:
                if not closes_first:
                    received.append(client.recv(4096))
                client.sendall(reply)
            if not closes_first:
                closed.wait(10)
        closed.set()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path, received, closed
        finally:
            closed.set()
            thread.join()


def error_of(directory, reply):
    with (server(directory, reply) as (path, _received, _closed),
          connection.session(path, None) as session):
        with pytest.raises(EngineError) as error:
            session.call('PING')
    return error.value


@pytest.mark.parametrize('reply', ['WRONGPASS invalid username-password pair',
                                   'NOAUTH Authentication required.',
                                   'NOPERM this user has no permissions'])
def test_refused_account_locks_the_agent_out(tmp_path, reply):
    assert isinstance(error_of(tmp_path, f'-{reply}\r\n'.encode()), LockedOut)


@pytest.mark.parametrize('reply', ['LOADING Redis is loading the dataset in memory',
                                   'BUSY Redis is busy running a script',
                                   'MISCONF Errors writing to the AOF file: No space left',
                                   'MASTERDOWN Link with MASTER is down',
                                   'ERR max number of clients reached'])
def test_busy_server_answers_but_is_unavailable(tmp_path, reply):
    busy = error_of(tmp_path, f'-{reply}\r\n'.encode())
    assert isinstance(busy, EngineUnavailable) and not isinstance(busy, LockedOut)
    assert busy.answering and reply.partition(' ')[2] in busy.message
    assert isinstance(busy, connection.Full) == ('clients' in reply)


def test_refusal_hides_password_hashes(tmp_path):
    refused = error_of(tmp_path, f'-ERR Error in ACL SETUSER modifier "#{HASH}"\r\n'.encode())
    assert not isinstance(refused, EngineUnavailable)
    assert 'ACL SETUSER' in refused.message and 'abab' not in refused.message


def test_reply_that_breaks_the_protocol_makes_the_server_unavailable(tmp_path):
    broken = error_of(tmp_path, b'?what\r\n')
    assert isinstance(broken, EngineUnavailable) and not broken.answering


def test_reply_of_a_full_server_is_read_although_the_write_fails(tmp_path):
    """The agent overrides ``send_packed_command`` of redis-py and reads ``_sock`` for this."""
    with server(tmp_path, b'-ERR max number of clients reached\r\n',
                closes_first=True) as (path, _received, closed):
        link = connection._Connection(path, decode_responses=True, protocol=2, driver_info=None)
        link.connect()
        assert closed.wait(10)
        session = connection.Session(link, 5)
        with pytest.raises(connection.Full):
            session.call('AUTH', 'os_admin', 'secret')
        assert not session.is_open()


def test_closed_session_never_reconnects(tmp_path):
    with server(tmp_path, b'+OK\r\n') as (path, received, _closed):
        session = connection.connect(path, 'secret', timeout=5)
        session.close()
        with pytest.raises(EngineUnavailable):
            session.call('PING')
    assert received == [b'*3\r\n$4\r\nAUTH\r\n$8\r\nos_admin\r\n$6\r\nsecret\r\n']


def test_late_reply_closes_the_session(tmp_path):
    with server(tmp_path, b'+OK\r\n', b'') as (path, _received, _closed):
        session = connection.connect(path, 'secret', timeout=5)
        assert session.is_open()
        began = time.monotonic()
        with pytest.raises(EngineUnavailable) as late:
            session.with_timeout(0.1).call('BLPOP', 'nothing', '0')
        assert time.monotonic() - began < 4 and not session.is_open()
        assert 'secret' not in late.value.message


def test_bytes_that_are_not_utf_8_survive(tmp_path):
    reply = b'$4\r\na\xff\xc3\xbc\r\n'
    with server(tmp_path, reply, b'+OK\r\n') as (path, received, _closed):
        with connection.session(path, None) as session:
            text = session.call('GET', 'key')
            assert text.startswith('a') and text.endswith('ü')
            session.call('SET', 'key', text)
    assert received[1].endswith(reply)
