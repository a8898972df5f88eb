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
"""Status of an engine in trouble, on real machines: the right word within two
heartbeats.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator

import psycopg2
import pymysql
import pytest

from tests.e2e.service.engines import FIRST_ENGINE_OFTEN, Engine
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import Refused, new_password
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: Seconds of two heartbeats.
SOON = 60
#: More clients than any of the engines takes on the smallest flavor.
CLIENTS = 1100


@pytest.fixture(scope='module', params=FIRST_ENGINE_OFTEN, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture(autouse=True)
def well(instance: Instance) -> Iterator[None]:
    """It is healthy before and after."""
    shows(instance, 'HEALTHY')
    yield
    wait_for('it serves again', lambda: instance.as_clerk(instance.engine.read('first')) == ['one'],
             SOON, passing=(Refused,))
    shows(instance, 'HEALTHY')


def shows(instance: Instance, *expected: str) -> None:
    """Check that the instance shows one of these operating statuses within two heartbeats."""
    wait_for(f'{instance.engine.name} is {expected}',
             lambda: instance.service.show(instance.id)['operating_status'] in expected, SOON,
             state=lambda: instance.service.show(instance.id))


def reported(instance: Instance) -> str:
    """Return the agent's last report, as on the wire."""
    return instance.service.rows(
        "SELECT status AS word FROM service_statuses WHERE instance_id = :id",
        id=instance.id)[0].word


def systemctl(instance: Instance, *words: str) -> str:
    return instance.inside('systemctl', *words)


def main_process(instance: Instance) -> str:
    return systemctl(instance, 'show', '--property=MainPID', '--value',
                     instance.engine.unit).strip()


@contextlib.contextmanager
def unit_with(instance: Instance, *lines: str) -> Iterator[None]:
    """The engine's unit with other settings, for the length of a block; they count from its next
    start on.
    """
    directory = f'/run/systemd/system/{instance.engine.unit}.service.d'
    text = '\\n'.join(['[Service]', *lines])
    instance.inside(
        'sh', '-c', f'mkdir -p {directory} && printf "{text}\\n" > {directory}/99-test.conf '
        '&& systemctl daemon-reload')
    try:
        yield
    finally:
        instance.inside('sh', '-c', f'rm {directory}/99-test.conf && systemctl daemon-reload')


def test_stopped(instance):
    systemctl(instance, 'stop', instance.engine.unit)
    try:
        shows(instance, 'SHUTDOWN')
        assert reported(instance) == 'shutdown'
        assert instance.service.show(instance.id)['status'] == 'ACTIVE', 'its server runs'
    finally:
        systemctl(instance, 'start', instance.engine.unit)


def test_crashed(instance):
    try:
        with unit_with(instance, 'Restart=no'):
            instance.inside('kill', '-9', main_process(instance))
            shows(instance, 'SHUTDOWN')
            assert reported(instance) == 'crashed'
    finally:
        systemctl(instance, 'restart', instance.engine.unit)


def test_crashed_and_back_by_itself(instance):
    before = main_process(instance)
    instance.inside('kill', '-9', before)
    wait_for('it runs again', lambda: main_process(instance) not in ('0', before), SOON)


def test_wedged(instance):
    process = main_process(instance)
    instance.inside('kill', '-STOP', process)
    try:
        shows(instance, 'SHUTDOWN')
        assert reported(instance) == 'crashed'
    finally:
        instance.inside('kill', '-CONT', process)


def test_a_full_disk(instance):
    """The engine answers and cannot write; the agent acts, and the volume can be made larger."""
    mount_point = instance.engine.mount_point
    filler = f'{mount_point}/filler'
    instance.inside('sh', '-c',
                    f'fallocate -l $(($(stat -f -c "%a * %S" {mount_point}) - 1048576)) {filler}')
    try:
        shows(instance, 'ACTIVE')
        assert reported(instance) == 'running'
        assert instance.names('users') == ['clerk'], 'the agent acts'
        instance.call('POST', '/action', {'restart': {}})
        instance.service.wait_active(instance.id)
        size = instance.service.show(instance.id)['volume']['size']
        instance.call('POST', '/action', {'resize': {'volume': {'size': size + 1}}})
        instance.service.wait_active(instance.id)
        shows(instance, 'HEALTHY')
    finally:
        instance.inside('rm', filler)


def test_a_read_only_volume(instance):
    """As the kernel makes it when the device fails; no engine starts on that."""
    mount_point = instance.engine.mount_point
    systemctl(instance, 'stop', instance.engine.unit)
    instance.inside('mount', '-o', 'remount,ro', mount_point)
    try:
        instance.inside('sh', '-c', f'systemctl start {instance.engine.unit} || true')
        shows(instance, 'SHUTDOWN')
        assert reported(instance) in ('crashed', 'shutdown')
        wait_for('the agent answers', lambda: instance.service.trove(
            'GET', f'/instances/{instance.id}/log', user='admin')['logs'], SOON)
    finally:
        instance.inside('mount', '-o', 'remount,rw', mount_point)
        systemctl(instance, 'reset-failed', instance.engine.unit)
        systemctl(instance, 'start', instance.engine.unit)


def test_while_it_comes_up(instance):
    """As long as recovery takes, it is neither healthy nor broken."""
    # Not in the unit's own sandbox, in which some engines may start no other program.
    with unit_with(instance, 'ExecStartPre=+/bin/sleep 40'):
        systemctl(instance, 'restart', '--no-block', instance.engine.unit)
        shows(instance, 'ACTIVE')
        assert reported(instance) == 'running'
    wait_for('it is up', lambda: instance.as_clerk(instance.engine.who()), SOON, passing=(Refused,))


def _mariadb(instance: Instance) -> object:
    return pymysql.connect(host=instance.address, user='clerk', password=instance.password,
                           connect_timeout=5)


def _postgresql(instance: Instance) -> object:
    return psycopg2.connect(host=instance.address, user='clerk', password=instance.password,
                            dbname='orders', connect_timeout=5)


def _redis(instance: Instance) -> object:
    link = socket.create_connection((instance.address, 6379), 5)
    link.settimeout(0.02)
    try:
        if link.recv(64).startswith(b'-ERR max number of clients'):
            raise ConnectionRefusedError('full')
    except TimeoutError:
        pass
    return link


CONNECT: dict[str, Callable[[Instance], object]] = {
    'mariadb': _mariadb,
    'mysql': _mariadb,
    'postgresql': _postgresql,
    'redis': _redis,
    'valkey': _redis
}


def test_out_of_connections(instance):
    """Nobody comes in any more; the engine is not called broken for that, and the agent acts."""
    taken = []
    try:
        with pytest.raises((pymysql.Error, psycopg2.Error, OSError)):
            for _ in range(CLIENTS):
                taken.append(CONNECT[instance.engine.name](instance))
        with pytest.raises(Refused):
            instance.as_clerk(instance.engine.who())
        # Long enough for a wrong status to be reported.
        words = {instance.service.show(instance.id)['operating_status'] for _ in _looks()}
        assert words <= {'HEALTHY', 'ACTIVE'}
        instance.call('POST', '/users', {'users': [instance.user('helper', new_password())]})
        assert instance.names('users') == ['clerk', 'helper']
        # A new process of the agent gets in as well, where the former was.
        systemctl(instance, 'restart', 'trove-guestagent')
        instance.call('DELETE', '/users/helper')
        assert instance.names('users') == ['clerk']
    finally:
        for connection in taken:
            connection.close()


def _looks() -> Iterator[None]:
    """Several over the length of a heartbeat."""
    import time
    end = time.monotonic() + 35
    while time.monotonic() < end:
        yield
        time.sleep(1)
