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

"""The stand-alone trove-api as a process: it serves, refuses to start for a reason, and stops in order."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.e2e

START_LIMIT = 60


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path, port):
    """(options) -> a process that was just started."""
    started = []

    def begin(**options):
        lines = {'bind_host': '127.0.0.1', 'bind_port': port, 'trove_api_workers': 2, 'transport_url': 'fake://',
                 'inst_rpc_key_encr_key': '0123456789 only for this test 0123456789', **options}
        path = tmp_path / 'trove.conf'
        path.write_text('[DEFAULT]\n' + ''.join(f'{name} = {value}\n' for name, value in lines.items())
                        + f'[database]\nconnection = sqlite:///{tmp_path}/trove.sqlite\n'
                        + '[keystone_authtoken]\nauth_url = http://127.0.0.1:9/v3\nauth_type = password\n')
        started.append(subprocess.Popen([sys.executable, '-m', 'trove.cmd.api', '--config-file', str(path)],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def wait_until_served(process, port):
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and process.poll() is None:
        try:
            return urllib.request.urlopen(f'http://127.0.0.1:{port}/', timeout=5).read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f'trove-api does not serve: {process.poll()}')


def children(process):
    with open(f'/proc/{process.pid}/task/{process.pid}/children') as listed:
        return [int(child) for child in listed.read().split()]


def test_a_request_that_has_begun_is_answered_after_the_stop(start, port):
    process = start()
    assert b'v1.0' in wait_until_served(process, port)
    assert len(children(process)) == 2
    with socket.create_connection(('127.0.0.1', port), timeout=10) as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nHost: h\r\n')
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(b'Connection: close\r\n\r\n')
        assert connection.recv(64).startswith(b'HTTP/1.1 200')
    assert process.wait(20) == 0
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', port), timeout=1)


def test_a_worker_that_dies_is_replaced(start, port):
    process = start()
    wait_until_served(process, port)
    before = set(children(process))
    os.kill(min(before), signal.SIGKILL)
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and (len(children(process)) < 2 or set(children(process)) == before):
        time.sleep(0.2)
    assert len(children(process)) == 2
    assert set(children(process)) != before
    wait_until_served(process, port)


def test_a_port_that_is_taken_is_told(start, port):
    with socket.socket() as other:
        other.bind(('127.0.0.1', port))
        other.listen()
        process = start()
        output, _ = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 1
    assert f'trove-api does not start: [Errno 98] cannot listen on 127.0.0.1:{port}' in output


def test_a_missing_key_is_told(start):
    process = start(inst_rpc_key_encr_key='')
    output, _ = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 1
    assert 'inst_rpc_key_encr_key is not set' in output
