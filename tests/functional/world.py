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

"""Service in one process: the real models, journal, flows, cloud clients, conductor and agents.

The world adds a database file, two buses in memory, minicloud with simulated machines, and a clock.
Nothing runs by itself: :meth:`World.run` runs the processes in turn, so that a test can stop the
world between any two of their actions.
"""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

from tests.functional.cloud_in_process import FLAVOR, SERVICE_PROJECT, InProcessCloud
from tests.functional.memory_bus import MemoryBus
from tests.functional.simulated_hypervisor import SimulatedHypervisor
from trove.cloud import clouds
from trove.cloud import session as cloud_session
from trove.cmd import rpc_clients
from trove.common import states
from trove.common.context import RequestContext
from trove.common.rpc import clients, keys, topology
from trove.conductor.manager import Manager as Conductor
from trove.configuration import models as groups
from trove.db import configurations, datastores, events, instances, operations, quotas, session
from trove.db.session import Row
from trove.extensions.logs import models as logs
from trove.instance import models
from trove.instance.actions import access as access_rules
from trove.instance.actions import configuration, image, power, resize, status
from trove.taskmanager import flows
from trove.taskmanager import tools as real_tools
from trove.taskmanager.api import TaskManagerAPI
from trove.taskmanager.models import Runner
from trove.taskmanager.step import Tools

PROJECT = 'demo'
USER = 'demo-user'
VERSION_ID = 'e7c4d8b0-61b6-4f6d-8a55-3b6d5f0e2c11'
NEXT_VERSION_ID = 'f1d0a6c2-7a51-4c0e-9d3b-2b8a4d6e9c22'
LEASE = 61


class Broker:
    """Identities on the guest bus, as a set; tests/e2e uses the real broker."""

    provisions = True

    def __init__(self) -> None:
        self.guests: set[str] = set()
        #: parts of identities that were deleted by hand
        self.lost: set[str] = set()

    def ensure_guest(self, instance_id: str, key: bytes) -> None:
        self.guests.add(instance_id)
        self.lost -= topology.parts(instance_id, 'trove-conductor')

    def remove_guest(self, instance_id: str) -> None:
        self.guests.discard(instance_id)

    def everything(self) -> dict[str, list[str]]:
        return {instance_id: [f'user guest-{instance_id}'] for instance_id in self.guests}

    def parts(self) -> dict[str, set[str]]:
        return {instance_id: set(topology.parts(instance_id, 'trove-conductor')) - self.lost
                for instance_id in self.guests}


class TaskManagerEndpoint:
    """RPC endpoint of a task manager that records the operations it was woken for."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, context: Any, operation_id: str) -> None:
        self.woken.append(operation_id)


class World:
    """World of one test."""

    def __init__(self, conf: Any, clock: Any, directory: pathlib.Path) -> None:
        self.conf = conf
        self.clock = clock
        self.started = clock()
        self.control, self.guest_bus = MemoryBus(self.seconds), MemoryBus(self.seconds)
        self.endpoint = TaskManagerEndpoint()
        self.control.server(conf.taskmanager_queue, 'here', [self.endpoint]).start()
        self.machines = SimulatedHypervisor(self.guest_bus, directory, self.seconds)
        self.cloud = InProcessCloud(self.machines, synchronous=None)
        self.machines.web = self.cloud.upload
        self.broker = Broker()
        self.keys = keys.KeyRing.from_conf(conf)
        self._configure(directory)
        cloud_session.install(conf, self.cloud.sessions(conf))
        self.conductor = Conductor(conf, TaskManagerAPI(self.control, conf.taskmanager_queue),
                                   clock)
        self.guest_bus.server(conf.conductor_queue, 'here', [self.conductor]).start()
        self.flows = flows.registry()
        clients.setup(rpc_clients.over(self.keys, lambda: self.control, lambda: self.guest_bus))
        session.install_clock(clock)
        self.context = RequestContext(user_id=USER, project_id=PROJECT, overwrite=False)
        self._runners = 0
        self.runner = self.new_runner()
        self._seed()

    def _configure(self, directory: pathlib.Path) -> None:
        (directory / 'trove-guestagent.conf').write_text('[DEFAULT]\n')
        for name, value in {'guest_config': str(directory / 'trove-guestagent.conf'),
                            'default_datastore': 'mariadb',
                            'management_networks': [self.cloud.named('network',
                                                                     'management')['id']],
                            'use_nova_server_config_drive': True}.items():
            self.conf.set_override(name, value)
        self.conf.set_override('transport_url', 'rabbit://control:secret@broker:5672/guests',
                               'guest_bus')
        self.conf.set_override('public_network_id', self.cloud.named('network', 'public')['id'],
                               'network')

    def _seed(self) -> None:
        with session.writer() as connection:
            datastore_id = datastores.ensure_datastore(connection, 'mariadb')
            connection.execute(datastores.VERSIONS.insert().values(
                id=VERSION_ID, datastore_id=datastore_id, name='10.11', version='10.11',
                manager='mariadb',
                image_id=self.cloud.named('image', 'guest')['id'], active=True, registry_ext='',
                repl_strategy=''))
            connection.execute(datastores.VERSIONS.insert().values(
                id=NEXT_VERSION_ID, datastore_id=datastore_id, name='11.4', version='11.4',
                manager='mariadb',
                image_id=self.cloud.named('image', 'guest-2')['id'], active=True, registry_ext='',
                repl_strategy=''))
            datastores.set_default_version(connection, datastore_id, VERSION_ID)

    @staticmethod
    def set_version_image(connection: Any, version_id: str, image_id: str) -> None:
        """Set the image of a version, as an operator does."""
        versions = datastores.VERSIONS
        connection.execute(versions.update().where(versions.c.id == version_id)
                           .values(image_id=image_id))

    def close(self) -> None:
        session.install_clock(None)
        clients.setup(None)
        cloud_session.install(self.conf, None)
        self.cloud.close()

    def seconds(self) -> float:
        return (self.clock() - self.started).total_seconds()

    def new_runner(self, flows_: dict[str, Any] | None = None) -> Runner:
        """Return the runner of another task manager."""
        self._runners += 1
        tools = Tools(conf=self.conf, clock=self.clock,
                      cloud=functools.partial(clouds.service_cloud, self.conf),
                      broker=self.broker, guest=functools.partial(real_tools.guest_client,
                                                                  self.guest_bus, self.keys),
                      keys=self.keys, read=session.read)
        return Runner(flows_ or self.flows, tools, f'taskmanager-{self._runners}')

    # --- requests --------------------------------------------------------------------------------

    def create(self, *, name: str = 'orders', databases: list[dict] | None = None,
               users: list[dict] | None = None,
               access: dict | None = None, network: str = 'private', locality: str | None = None,
               root_password: str | None = None, modules: list[str] | None = None,
               configuration_id: str | None = None) -> str:
        """Create an instance, as a POST with valid values does, and return its id."""
        nic = models.Nic(network_id=self.cloud.named('network', network)['id'])
        return models.create(self.context, models.CheckedRequest(
            name=name, version=session.read(datastores.version, VERSION_ID), flavor_id=FLAVOR,
            ram=1024, vcpus=1,
            image_id=self.cloud.named('image', 'guest')['id'], volume_support=True, volume_size=2,
            volume_type=None,
            databases=databases or [], users=users or [], nic=nic, availability_zone=None,
            region='RegionOne',
            locality=locality, access=access, root_password=root_password,
            modules=modules or [], configuration_id=configuration_id)).instance_id

    def group(self, **values: Any) -> str:
        """Create a configuration group, without checks of its values, and return its id."""
        return session.write(lambda connection: configurations.create(
            connection, name='tuned', description=None, tenant_id=PROJECT, version_id=VERSION_ID,
            new=values,
            now=self.clock()))

    def edit_group(self, configuration_id: str, **values: Any) -> str | None:
        """Replace the values of a group, as a PUT does."""
        return groups.replace(self.context, configuration_id, values, {})

    def attach(self, instance_id: str, configuration_id: str) -> str:
        return configuration.change(self.context, self.row(instance_id),
                                    configuration_id).operation_id

    def detach(self, instance_id: str) -> str:
        return configuration.change(self.context, self.row(instance_id), None).operation_id

    def restart(self, instance_id: str) -> str:
        return power.restart(self.context, self.row(instance_id)).operation_id

    def resize_volume(self, instance_id: str, size: int) -> str:
        return resize.volume(self.context, self.row(instance_id), size).operation_id

    def resize_flavor(self, instance_id: str, flavor_id: str) -> str:
        context = self.cloud.context(PROJECT, USER)
        return resize.flavor(context, self.row(instance_id), flavor_id).operation_id

    def reboot(self, instance_id: str) -> str:
        return power.reboot(self.context, self.row(instance_id)).operation_id

    def stop(self, instance_id: str) -> str:
        return power.stop(self.context, self.row(instance_id)).operation_id

    def start(self, instance_id: str) -> str:
        return power.start(self.context, self.row(instance_id)).operation_id

    def rebuild(self, instance_id: str, image_name: str = 'guest') -> str:
        image_id = self.cloud.named('image', image_name)['id']
        return image.rebuild(self.context, self.row(instance_id), image_id).operation_id

    def upgrade(self, instance_id: str, version: str = '11.4') -> str:
        """Upgrade an instance, as a PUT of ``datastore_version`` does."""
        return image.upgrade(self.context, self.row(instance_id), version).operation_id

    def migrate(self, instance_id: str, host: str | None = None, *, live: bool = False) -> str:
        return image.migrate(self.context, self.row(instance_id), host, live=live).operation_id

    def change_access(self, instance_id: str, **access: Any) -> str:
        """Change the access rules, as a PUT of ``access`` does."""
        return access_rules.update(self.context, self.row(instance_id), access).operation_id

    def publish_log(self, instance_id: str, name: str, *, start_over: bool = False) -> str:
        return logs.publish(self.context, self.row(instance_id), name,
                            start_over=start_over).operation_id

    def discard_log(self, instance_id: str, name: str) -> str:
        return logs.discard(self.context, self.row(instance_id), name).operation_id

    def delete(self, instance_id: str) -> str:
        return models.delete(self.context, self.row(instance_id)).operation_id

    def reset(self, instance_id: str) -> str | None:
        """Reset an instance, as a POST of ``reset_status`` does; return the abandoned operation."""
        return status.reset(self.context, self.row(instance_id))

    # --- time ------------------------------------------------------------------------------------

    def tick(self, runner: Runner | None = None) -> None:
        """Run the cloud, the guests, the conductor and the task manager once."""
        self.cloud.advance()
        for guest in list(self.machines.guests.values()):
            guest.step()
        while self.conductor.flush():
            continue
        for operation_id in session.read(operations.due, self.clock(), 100):
            (runner or self.runner).advance(operation_id)

    def run(self, until: Callable[[], Any], *, seconds: float = 300,
            runner: Runner | None = None) -> None:
        """Run the world in steps of half a second until a condition applies."""
        end = self.seconds() + seconds
        while not until():
            assert self.seconds() < end, f'not within {seconds} seconds: {self.journal()}'
            self.tick(runner)
            if not until():
                self.clock.advance(0.5)

    def settle(self, *, seconds: float = 4000, runner: Runner | None = None) -> None:
        """Run the world until no operation is open."""
        self.run(lambda: not session.read(operations.count_open), seconds=seconds, runner=runner)

    # --- state -----------------------------------------------------------------------------------

    def row(self, instance_id: str) -> Row:
        return session.read(instances.get, instance_id, include_deleted=True)

    def status(self, instance_id: str) -> str:
        """Return the shown status; 404 after the deletion of the instance."""
        row = self.row(instance_id)
        return '404' if row.deleted else states.shown(models.facts_of(row))

    def guest(self, instance_id: str) -> Any:
        return next(guest for guest in self.machines.guests.values()
                    if guest.instance_id == instance_id)

    def operations(self, instance_id: str) -> list[Row]:
        """Return the operations of an instance, oldest first."""
        return list(reversed(session.read(operations.of_resource, instance_id, 100)))

    def events(self, instance_id: str) -> list[str]:
        return [row.type for row in reversed(session.read(events.of_resource, instance_id, 1000))]

    def rows_of_events(self, instance_id: str) -> list[Row]:
        """Return the events of an instance, newest first."""
        return list(session.read(events.of_resource, instance_id, 1000))

    def journal(self) -> str:
        with session.reader() as connection:
            rows = connection.execute(operations.OPERATIONS.select()).all()
            return '\n'.join(
                f'{row.kind} {row.state} at {row.position} {row.error_code}: {row.error_text} | '
                + ', '.join(f'{step.name} {step.outcome} {step.note or ""}'
                            for step in operations.steps_of(connection, row.id)) for row in rows)

    def holds(self) -> dict[str, int]:
        """Return the number of resources by kind, in the cloud, on the machines and at the broker.
        """
        found = {kind: len(names) for kind, names in self.cloud.leftovers().items()}
        found.update(machine=len(self.machines.specs), disk=len(self.machines.volumes),
                     identity=len(self.broker.guests))
        return {kind: number for kind, number in found.items() if number}

    def usage(self) -> dict[str, int]:
        return session.read(quotas.usages, PROJECT)


#: Resources of one active instance.
ONE_INSTANCE = {'server': 1, 'port': 2, 'volume': 1, 'security_group': 1, 'machine': 1, 'disk': 1,
                'identity': 1}
NOTHING: dict[str, int] = {}

__all__ = ['NOTHING', 'ONE_INSTANCE', 'PROJECT', 'SERVICE_PROJECT', 'World']
