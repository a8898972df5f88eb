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

"""Fixtures of the guest bus tests: a control plane with a database and a conductor process, and
guests.
"""

import contextlib
import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import amqp
from oslo_config import cfg
import sqlalchemy

from tests.e2e import rabbitmq
from trove.common import cfg as options
from trove.common.rpc import broker, channel, keys, messages, transport
from trove.conductor import api as conductor_api
from trove.db.tables import base, instances, operations
from trove.guestagent import api as guest_api

SECRET = 'a secret of this test, long enough and with many letters'
ROOT = pathlib.Path(__file__).parents[2]
INSTANCES = instances.Instance.__table__
STATUSES = instances.ServiceStatus.__table__
REPLAY_MARKS = instances.ReplayMark.__table__
RESULTS = instances.CommandResult.__table__
OPERATIONS = operations.Operation.__table__


def eventually(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Return the first true value of ``condition``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f'{condition} did not become true in {seconds} seconds'
        time.sleep(0.05)


def configuration(directory: pathlib.Path, *, transport_url: str = '', guest_bus_url: str = '',
                  provision: bool = True) -> cfg.ConfigOpts:
    """Return the options of a control plane, from their own file."""
    file = directory / 'options.conf'
    file.write_text(f'[DEFAULT]\ntransport_url = {transport_url}\n'
                    f'[guest_bus]\ntransport_url = {guest_bus_url}\nprovision = {provision}\n')
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf(['--config-file', str(file)], default_config_dirs=[])
    return conf


def conductor_command(file: pathlib.Path) -> list[str]:
    return [sys.executable, '-W', 'ignore', '-m', 'trove.cmd.conductor', '--config-file', str(file)]


def environment() -> dict[str, str]:
    return {**os.environ, 'PYTHONPATH': str(ROOT)}


class Guest:
    """A guest: a row, an identity at the broker, and an agent that replies to every command with
    its kind.
    """

    def __init__(self, plane: 'ControlPlane', boot_epoch: int = 1) -> None:
        self.id = str(uuid.uuid4())
        self.key = keys.new_instance_key()
        self.commands: list[str] = []
        self.url = broker.guest_transport_url(plane.conf, self.id, self.key)
        self.channel = channel.GuestChannel(self.id, self.key, channel.boot_id(boot_epoch, 1))
        self.conf = cfg.ConfigOpts()
        options.register(self.conf, options.GUEST_CONCERNS)
        self.conf([], default_config_files=[], default_config_dirs=[])
        self.conf.set_override('guest_id', self.id)
        self.conf.set_override('transport_url', self.url, 'guest_bus')
        self._server: Any = None

    @property
    def user(self) -> str:
        return f'guest-{self.id}'

    @property
    def bus(self) -> transport.RpcBus:
        return transport.agent_bus(self.conf)

    @property
    def reports(self) -> conductor_api.ConductorAPI:
        return conductor_api.ConductorAPI(self.bus, self.channel)

    def listen(self) -> None:
        self._server = self.bus.server(f'guestagent.{self.id}', self.id,
                                       [channel.GuestEndpoint(self.channel, self._reply)],
                                       exchange=f'g.{self.id}')
        self._server.start()

    def _reply(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        self.commands.append(kind)
        return {'kind': kind}

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server.wait()
            self._server = None
        self.bus.close()

    @contextlib.contextmanager
    def raw(self, vhost: str = 'guests') -> Iterator[amqp.Channel]:
        """Open a plain AMQP channel with the guest's credentials, as an intruder in the guest
        would.
        """
        password = keys.broker_password(self.key)
        host = self.url.rpartition('@')[2].partition('/')[0]
        connection = amqp.Connection(host=host, userid=self.user, password=password,
                                     virtual_host=vhost, confirm_publish=True, connect_timeout=5,
                                     read_timeout=5)
        connection.connect()
        try:
            yield connection.channel()
        finally:
            with contextlib.suppress(OSError, amqp.AMQPError):
                connection.close()


class ControlPlane:
    """Configuration, database, broker identities and a conductor process.

    :param database: URL of an empty database; a new file when not given.
    """

    def __init__(self, directory: pathlib.Path, rabbit: rabbitmq.RabbitMQ,
                 database: str | None = None) -> None:
        self.rabbit = rabbit
        self.directory = directory
        self._file = directory / 'trove.conf'
        database = database or f'sqlite:///{directory}/trove.sqlite'
        self._file.write_text('\n'.join(
            ('[DEFAULT]', f'transport_url = {rabbit.url("control")}',
             f'inst_rpc_key_encr_key = {SECRET}', 'debug = true',
             f'log_file = {directory}/conductor.log', '[database]', f'connection = {database}',
             '[guest_bus]', f'transport_url = {rabbit.url("guests")}',
             f'management_url = {rabbit.management_url}', '')))
        self.conf = cfg.ConfigOpts()
        options.register(self.conf)
        self.conf(['--config-file', str(self._file)], default_config_dirs=[])
        self.engine = sqlalchemy.create_engine(database)
        base.Base.metadata.create_all(self.engine)
        self.broker = broker.for_conf(self.conf)
        self.ring = keys.KeyRing.from_conf(self.conf)
        self.conductor: subprocess.Popen | None = None
        self._guests: list[Guest] = []

    def start_conductor(self) -> None:
        started = self.conductor_log().count('is ready')
        self.conductor = subprocess.Popen(
            conductor_command(self._file), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL)
        eventually(lambda: self.conductor_log().count('is ready') > started, 60)

    def conductor_log(self) -> str:
        log = self.directory / 'conductor.log'
        return log.read_text() if log.exists() else ''

    def end_conductor(self, number: int = signal.SIGTERM) -> int | None:
        """Stop the conductor and return its exit status."""
        process, self.conductor = self.conductor, None
        if process is None:
            return None
        process.send_signal(number)
        return process.wait(40)

    def close(self) -> None:
        for guest in self._guests:
            guest.stop()
        self.end_conductor()
        transport.close_all()
        self.engine.dispose()

    def new_guest(self, **columns: Any) -> Guest:
        """Return a guest with a row and an identity, which does not listen yet."""
        guest = Guest(self)
        now = datetime.datetime(2026, 1, 1)
        with self.engine.begin() as connection:
            connection.execute(INSTANCES.insert().values(
                id=guest.id, created=now, updated=now, name='x', tenant_id='t', flavor_id='f',
                ram=1, vcpus=1, server_id_number=1, encrypted_key=self.ring.seal(
                    guest.id, guest.key), **columns))
            connection.execute(STATUSES.insert().values(instance_id=guest.id, status='new'))
        self.broker.ensure_guest(guest.id, guest.key)
        self._guests.append(guest)
        return guest

    def api(self, guest: Guest) -> guest_api.GuestAPI:
        return guest_api.GuestAPI(transport.guest_bus(self.conf), guest.id, guest.key)

    def status(self, guest: Guest) -> Any:
        return self.row(STATUSES, STATUSES.c.instance_id == guest.id)

    def row(self, table: sqlalchemy.Table, where: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(table.select().where(where)).first()

    def open_operation(self, guest: Guest, operation_id: str) -> None:
        """Open an operation on a guest that is not due."""
        now = datetime.datetime(2026, 1, 1)
        with self.engine.begin() as connection:
            connection.execute(OPERATIONS.insert().values(
                id=operation_id, resource_type='instance', resource_id=guest.id,
                kind='instance_restart', flow_version=1, steps='[]', state='running', args='{}',
                facts='{}', active=1, created=now, updated=now,
                due_at=now + datetime.timedelta(days=36500),
                deadline=now + datetime.timedelta(days=36500)))

    def snapshot(self) -> dict[str, list]:
        """Return all rows that a report could change, for comparison."""
        with self.engine.connect() as connection:
            return {table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
                    for table in (INSTANCES, STATUSES, RESULTS, OPERATIONS)}

    def topology(self) -> dict[str, list]:
        """Return the exchanges, queues and bindings of the guest bus by name."""
        return {
            kind: sorted(
                str({name: thing[name]
                     for name in names})
                for thing in self.rabbit.api('GET', f'{kind}/guests').json())
            for kind, names in (('exchanges', ('name', 'type')), ('queues', ('name', 'arguments')),
                                ('bindings', ('source', 'destination', 'routing_key')))
        }

    def waiting(self, queue: str) -> int:
        """Return the number of messages in a queue, from AMQP because statistics lag."""
        with contextlib.closing(
                amqp.Connection(host=f'127.0.0.1:{self.rabbit.port}', userid=self.rabbit.user,
                                password=self.rabbit.password,
                                virtual_host='guests')) as connection:
            connection.connect()
            return connection.channel().queue_declare(queue, passive=True).message_count


def healthy(**values: Any) -> messages.Heartbeat:
    return messages.Heartbeat(service_status='healthy', agent_version='1', **values)
