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
"""Life cycle of machines: create, start, change while running, stop, remove."""

import contextlib
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable

from minicloud.hypervisor import HypervisorError, PortSpec, ServerSpec, State
from minicloud.machines import cgroups, config_drive, guest_network, inside, nspawn
from minicloud.machines.cables import Networks
from minicloud.machines.disks import Volumes
from minicloud.machines.keeper import Keepers
from minicloud.machines.layout import Layout
from minicloud.machines.records import Card, Disk, Machine
from minicloud.machines.storage import Storage

LOG = logging.getLogger(__name__)
_REBOOT_TIMEOUT = 60.0


class Machines:
    """Machines of a sandbox; calls for different machines may be concurrent."""

    def __init__(self, layout: Layout, networks: Networks, volumes: Volumes,
                 started: Callable[[str, int], None]):
        """:param started: called with the id and the keeper's process of a running machine."""
        self._layout = layout
        self._networks = networks
        self._volumes = volumes
        self._started = started
        self.storage = Storage(layout)
        self.keepers = Keepers(layout)
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def adopt(self) -> None:
        """Watch the machines that already run."""
        for server_id in self.storage.all_ids():
            keeper = self.keepers.find(server_id)
            if keeper is not None:
                self._started(server_id, keeper)

    def lock(self, server_id: str) -> threading.RLock:
        """Return the lock of a machine."""
        return self._locks[server_id]

    def state(self, server_id: str) -> State:
        """Return the present state of a machine."""
        if self.keepers.find(server_id) is not None:
            return State.RUNNING
        machine = self.storage.load(server_id)
        return State.STOPPED if machine is not None and machine.created else State.MISSING

    # Whole machines

    def create(self, spec: ServerSpec) -> None:
        """Create and start a machine; a failed call leaves nothing of it."""
        with self.lock(spec.id):
            machine = self.storage.load(spec.id)
            if machine is not None and machine.created:
                return
            self.delete(spec.id)
            machine = Machine(spec.id, spec.name, spec.image_path, spec.vcpus, spec.ram_mb)
            try:
                self.storage.make_disk(spec, self._networks.mtus())
                self._boot(machine, spec)
            except (HypervisorError, OSError) as error:
                LOG.error('Machine %s could not be created: %s', spec.id, error)
                self.delete(spec.id)
                if isinstance(error, HypervisorError):
                    raise
                raise HypervisorError(f'The machine could not be created: {error}.') from error

    def delete(self, server_id: str) -> None:
        """Remove a machine in any state, complete or not."""
        with self.lock(server_id):
            machine = self.storage.load(server_id)
            if machine is not None:
                machine.should_run = False
                self.storage.save(machine)
            self.keepers.kill(server_id)
            for disk in machine.disks if machine else ():
                self._volumes.release(disk.volume_id)
            self._networks.delete_namespace(server_id, machine.cards if machine else [])
            if not cgroups.host_has_systemd():
                cgroups.remove(self._layout.prefix, server_id)
            self.storage.remove(server_id)

    def start(self, spec: ServerSpec) -> None:
        """Start a stopped machine."""
        with self.lock(spec.id):
            if self.keepers.find(spec.id) is None:
                self._boot(self._machine(spec.id), spec)

    def stop(self, server_id: str, timeout: float) -> None:
        """Power a machine off; kill it after the timeout."""
        with self.lock(server_id):
            machine = self._machine(server_id)
            machine.should_run = False
            self.storage.save(machine)
            self.keepers.power_off(server_id, timeout)
            self.unplug(machine)

    def reboot(self, spec: ServerSpec, hard: bool) -> None:
        """Power a machine off and on again."""
        with self.lock(spec.id):
            if hard:
                machine = self._machine(spec.id)
                machine.should_run = False
                self.storage.save(machine)
                self.keepers.kill(spec.id)
            else:
                self.stop(spec.id, _REBOOT_TIMEOUT)
            self._boot(self._machine(spec.id), spec)

    def rebuild(self, spec: ServerSpec) -> None:
        """Replace the disk of a machine and start it."""
        with self.lock(spec.id):
            machine = self._machine(spec.id)
            machine.should_run = False
            self.storage.save(machine)
            self.keepers.kill(spec.id)
            machine.name, machine.image_path = spec.name, spec.image_path
            machine.readdressed = False
            self.storage.make_disk(spec, self._networks.mtus())
            self._boot(machine, spec, fresh=True)

    def resize(self, spec: ServerSpec) -> None:
        """Restart a machine with other processors and memory."""
        self.reboot(spec, hard=False)

    def unplug(self, machine: Machine) -> None:
        """Remove the network of a stopped machine, so that its addresses do not reply."""
        self._networks.delete_namespace(machine.id, machine.cards)

    def _machine(self, server_id: str) -> Machine:
        machine = self.storage.load(server_id)
        if machine is None:
            raise HypervisorError(f'Machine {server_id} does not exist on this host.')
        return machine

    def _boot(self, machine: Machine, spec: ServerSpec, fresh: bool = False) -> None:
        """Start a machine with the cards, disks and limits of its spec."""
        machine.vcpus, machine.ram_mb = spec.vcpus, spec.ram_mb
        self.storage.mount(machine.id, machine.image_path)
        self.unplug(machine)
        self._networks.make_namespace(machine.id)
        self._bring_cards(machine, spec.ports, fresh or not machine.created, plug=True)
        self._bring_disks(machine, spec)
        if not cgroups.host_has_systemd():
            cgroups.remove(self._layout.prefix, machine.id)
        boot = self._write_start(machine)
        machine.should_run = machine.created = True
        keeper = self.keepers.start(boot, machine.vcpus, machine.ram_mb)
        self.storage.save(machine)
        self._started(machine.id, keeper)
        LOG.info('Machine %s runs, process %d', machine.id, keeper)

    def _write_start(self, machine: Machine) -> nspawn.Boot:
        """Write the start script that the keeper reads at the machine's next boot."""
        directory = self._layout.machine(machine.id)
        groups = () if cgroups.host_has_systemd() else cgroups.prepare(
            self._layout.prefix, machine.id, machine.vcpus, machine.ram_mb)
        boot = nspawn.Boot(
            machine.id, self._layout.machine_name(machine.id),
            config_drive.host_name(machine.name), directory,
            self._networks.namespace(machine.id),
            tuple((self._volumes.connect(disk.volume_id), disk) for disk in machine.disks),
            groups)
        guest_network.write(directory / 'network', machine.cards, machine.readdressed)
        self.storage.link_disks(machine)
        temporary = directory / 'start.new'
        temporary.write_text(nspawn.start_script(boot), encoding='utf-8')
        os.replace(temporary, directory / 'start')
        return boot

    # Cards

    def apply_ports(self, server_id: str, ports: tuple[PortSpec, ...]) -> None:
        """Update the cards of a machine, running or not, to these ports."""
        with self.lock(server_id):
            machine = self._machine(server_id)
            running = self.keepers.find(server_id) is not None
            changed = self._bring_cards(machine, ports, fresh=False, plug=running)
            for card in changed if running else ():
                self._networks.address_card(server_id, card)
            guest_network.write(self._layout.machine(server_id) / 'network', machine.cards,
                                machine.readdressed)

    def _bring_cards(self, machine: Machine, ports: tuple[PortSpec, ...],
                     fresh: bool, plug: bool) -> list[Card]:
        """Plug and unplug cards; return the new and readdressed ones.

        :param fresh: the machine boots for the first time, so cloud-init configures these cards.
        :param plug: the machine has a network, because it runs or is about to.
        """
        old = {card.port_id: card for card in machine.cards}
        expected = {port.id: port for port in ports}
        for card in list(machine.cards):
            if card.port_id not in expected or expected[card.port_id].mac != card.mac:
                self._networks.unplug_card(card)
                machine.cards.remove(card)
        changed = []
        for port in ports:
            card = machine.card(port.id)
            addresses = [[ip.address, ip.prefixlen, ip.gateway, list(ip.dns)]
                         for ip in port.fixed_ips]
            if card is None:
                card = Card(port.id, self._free_name(machine), self._layout.tap(port.id),
                            port.mac, port.network_id)
                machine.cards.append(card)
            if card.fixed_ips != addresses or port.id not in old:
                card.fixed_ips = addresses
                changed.append(card)
        if not fresh and (changed or len(machine.cards) != len(old)):
            machine.readdressed = True
        # The card is recorded before its creation, so that a later delete finds it.
        self.storage.save(machine)
        for port in ports if plug else ():
            card = machine.card(port.id)
            if card is not None:
                self._networks.plug_card(machine.id, card, port)
        return changed

    @staticmethod
    def _free_name(machine: Machine) -> str:
        taken = {card.name for card in machine.cards}
        return next(name for name in (f'eth{number}' for number in range(len(taken) + 1))
                    if name not in taken)

    # Disks

    def _bring_disks(self, machine: Machine, spec: ServerSpec) -> None:
        expected = {volume.volume_id for volume in spec.volumes}
        for disk in machine.disks:
            if disk.volume_id not in expected:
                self._volumes.release(disk.volume_id)
        machine.disks = [Disk(*volume) for volume in spec.volumes]
        self.storage.save(machine)

    def attach(self, server_id: str, volume_id: str, device: str) -> None:
        """Attach a volume to a machine."""
        with self.lock(server_id):
            machine = self._machine(server_id)
            loop = self._volumes.connect(volume_id)
            disk = machine.disk(volume_id)
            if disk is None:
                machine.disks.append(Disk(volume_id, device, volume_id[:20]))
                self.storage.save(machine)
            self._write_start(machine)
            leader = self.keepers.leader(server_id)
            if leader is not None:
                number = os.stat(loop).st_rdev
                inside.do(leader, 'add', device, str(os.major(number)), str(os.minor(number)))

    def detach(self, server_id: str, volume_id: str) -> None:
        """Detach a volume from a machine; its file systems are unmounted first."""
        with self.lock(server_id):
            machine = self.storage.load(server_id)
            disk = None if machine is None else machine.disk(volume_id)
            if machine is None or disk is None:
                return
            leader = self.keepers.leader(server_id)
            if leader is not None:
                inside.do(leader, 'remove', disk.device, *self._mounts(leader, volume_id))
            machine.disks.remove(disk)
            self.storage.save(machine)
            self._write_start(machine)
            self._volumes.release(volume_id)

    def _mounts(self, leader: int, volume_id: str) -> list[str]:
        loop = self._volumes.loop_of(volume_id)
        if loop is None:
            return []
        number = os.stat(loop).st_rdev
        return inside.mounts_of(leader, os.major(number), os.minor(number))

    @contextlib.contextmanager
    def still(self, volume_id: str):
        """Freeze the file system of a volume while the block runs."""
        for server_id in self.storage.all_ids():
            machine = self.storage.load(server_id)
            leader = self.keepers.leader(server_id)
            if machine is not None and leader is not None and machine.disk(volume_id):
                mounts = self._mounts(leader, volume_id)[:1]
                break
        else:
            mounts = []
        for mount in mounts:
            inside.do(leader, 'freeze', mount)
        try:
            yield
        finally:
            for mount in mounts:
                inside.do(leader, 'thaw', mount)
