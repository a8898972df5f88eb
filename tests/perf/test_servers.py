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

"""The same list through trove-api, over a connection that is kept open."""

import http.client
import os
import signal
import subprocess
import sys

import pytest

from tests.e2e import database_servers
from tests.e2e.guest_bus import ROOT, eventually
from tests.functional.api import tokens
from tests.perf import measuring

#: CPU milliseconds of the server's process for a list of twenty instances.
MILLISECONDS = 2.5
#: Megabytes of memory of the server's process after all that.
MEGABYTES = 120


@pytest.fixture
def server(service):
    """Yield process and connection of a trove-api with one worker."""
    port = database_servers.free_port()
    file = service.directory / 'server.conf'
    file.write_text(service.file.read_text().replace(
        '[DEFAULT]', f'[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = {port}\n'
        'trove_api_workers = 1'))
    process = subprocess.Popen([sys.executable, '-W', 'ignore', '-m', 'trove.cmd.api',
                                '--config-file', str(file)], cwd=ROOT,
                               env={**os.environ, 'PYTHONPATH': str(ROOT)},
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    try:
        eventually(lambda: answers(connection), 60)
        yield process, connection
    finally:
        connection.close()
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def answers(connection):
    try:
        connection.connect()
    except OSError:
        return False
    return True


def test_a_list(service, server, figures):
    process, connection = server

    def ask():
        connection.request('GET', f'/v1.0/{tokens.DEMO}/instances',
                           headers={'X-Auth-Token': 'demo'})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read().count(b'"operating_status"') == 20
    ask()
    taken = measuring.cpu_ms(ask, times=60, rounds=8,
                             clock=lambda: measuring.process_seconds(process.pid))
    memory = measuring.resident_mb(process.pid)
    figures.note(f'{service.name}: GET /instances through trove-api',
                 f'{taken:.2f} ms CPU, {memory:.0f} MB',
                 f'{MILLISECONDS} ms, {MEGABYTES} MB')
    assert taken <= MILLISECONDS
    assert memory <= MEGABYTES
