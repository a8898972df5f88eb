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

"""Hypervisor with simulated guests: cloud-init reads the real user data, then the real agent
starts.

It has what a crash must not duplicate: machines by server id, and volumes with their content.
"""

import base64
import collections
import configparser
import pathlib
from collections.abc import Callable
from typing import Any

import yaml
from minicloud.hypervisor import ServerSpec, State

from tests.functional.memory_machine import MemoryData
from tests.functional.simulated_guest import SimulatedGuest
from trove.common.rpc import keys


def files_of(user_data: bytes | None) -> dict[str, str]:
    """Return path -> content of the files that cloud-init would write."""
    document = yaml.safe_load(user_data or b'{}')
    return {
        entry['path']: base64.b64decode(entry['content']).decode()
        for entry in document.get('write_files', ())
    }


class SimulatedHypervisor:
    """Machines as :class:`SimulatedGuest`, without networks and filters.

    :param bus: the guest bus.
    :param clock: monotonic seconds for the guests.
    """

    def __init__(self, bus: Any, directory: pathlib.Path, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._directory = directory
        self._clock = clock
        self.guests: dict[str, SimulatedGuest] = {}
        self.specs: dict[str, ServerSpec] = {}
        self.volumes: dict[str, MemoryData | None] = {}
        #: volume id -> GB of the device.
        self.sizes: dict[str, int] = {}
        #: Volumes detached while mounted, which must not happen.
        self.torn: list[str] = []
        self._stopped: set[str] = set()
        #: Number of fresh root disks of each machine.
        self.rebuilds: collections.Counter[str] = collections.Counter()
        #: Function that stores the uploads of new guests.
        self.web: Callable[..., None] | None = None
        #: Called with each new guest before it starts.
        self.prepare: Callable[[SimulatedGuest], None] = lambda guest: None
        #: True: new machines boot, but their agents never start.
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)
        # minicloud records networks, ports and filters; a host has nothing to do for them.
        return lambda *args, **kwargs: None

    # --- machines ------------------------------------------------------------------------------

    def create_server(self, spec: ServerSpec) -> None:
        self.specs[spec.id] = spec
        if spec.id in self.guests:
            return
        guest = self._guest(spec)
        if guest is None:
            return
        self.guests[spec.id] = guest
        if self.web is not None:
            guest.machine.web = self.web
        self.prepare(guest)
        if not self.silent:
            guest.start()

    def _guest(self, spec: ServerSpec) -> SimulatedGuest | None:
        files = files_of(spec.user_data)
        text = files.get('/etc/trove/conf.d/guest_info.conf')
        if text is None:
            return None
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        info = parser['DEFAULT']
        attached = {volume.volume_id for volume in spec.volumes}
        root = self._directory / f'{spec.id}-{self.rebuilds[spec.id]}'
        guest = SimulatedGuest(self._bus, info['guest_id'],
                               keys.decode(info['instance_rpc_encr_key']), root,
                               volumes=AttachedVolumes(self.volumes, attached, self.sizes),
                               boot_epoch=int(info['boot_epoch']), clock=self._clock)
        # The image decides the version of the engine: /images/guest-2 has the second.
        number = spec.image_path.rpartition('-')[2] if '-' in spec.image_path else '1'
        guest.engine.version = f'{number}.0'
        return guest

    def delete_server(self, server_id: str) -> None:
        self.specs.pop(server_id, None)
        self._stopped.discard(server_id)
        guest = self.guests.pop(server_id, None)
        if guest is not None:
            guest.kill()

    def stop_server(self, server_id: str, timeout: float = 60.0) -> None:
        self._stopped.add(server_id)
        if server_id in self.guests:
            self.guests[server_id].kill()

    def start_server(self, spec: ServerSpec) -> None:
        self._stopped.discard(spec.id)
        if spec.id in self.guests and not self.guests[spec.id].running:
            self.guests[spec.id].reboot()

    def reboot_server(self, spec: ServerSpec, hard: bool) -> None:
        if spec.id in self.guests:
            self.guests[spec.id].reboot()

    def rebuild_server(self, spec: ServerSpec) -> None:
        former = self.guests.pop(spec.id, None)
        if former is not None:
            self.torn.extend(former.machine.mounted.values())
            former.kill()
        self.rebuilds[spec.id] += 1
        self._stopped.discard(spec.id)
        self.create_server(spec)

    def resize_server(self, spec: ServerSpec) -> None:
        self.specs[spec.id] = spec
        self._stopped.discard(spec.id)
        if spec.id in self.guests:
            self.guests[spec.id].reboot()

    def server_state(self, server_id: str) -> State:
        if server_id not in self.specs:
            return State.MISSING
        return State.STOPPED if server_id in self._stopped else State.RUNNING

    def console_log(self, server_id: str, lines: int | None = None) -> str:
        return f'[    1.0] simulated machine {server_id}\n[    2.0] login:\n'

    # --- volumes -------------------------------------------------------------------------------

    def create_volume(self, volume_id: str, size_gb: int) -> None:
        self.volumes.setdefault(volume_id, None)
        self.sizes.setdefault(volume_id, size_gb)

    def extend_volume(self, volume_id: str, size_gb: int) -> None:
        self.sizes[volume_id] = size_gb

    def attach_volume(self, server_id: str, volume_id: str, device: str) -> None:
        if server_id in self.guests:
            self.guests[server_id].machine.volumes.attached.add(volume_id)

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        if server_id not in self.guests:
            return
        machine = self.guests[server_id].machine
        if volume_id in machine.mounted.values():
            self.torn.append(volume_id)
        machine.volumes.attached.discard(volume_id)

    def delete_volume(self, volume_id: str) -> None:
        self.volumes.pop(volume_id, None)
        self.sizes.pop(volume_id, None)


class AttachedVolumes(dict):
    """Volumes attached to one machine: a view of all volumes, which outlive the machine."""

    def __init__(self, every: dict[str, MemoryData | None], attached: set[str],
                 sizes: dict[str, int]) -> None:
        super().__init__()
        self._every = every
        self.attached = attached
        self.sizes = sizes

    def __contains__(self, volume_id: object) -> bool:
        return volume_id in self.attached and volume_id in self._every

    def __getitem__(self, volume_id: str) -> MemoryData | None:
        if volume_id not in self:
            raise KeyError(volume_id)
        return self._every[volume_id]

    def __setitem__(self, volume_id: str, data: MemoryData | None) -> None:
        self._every[volume_id] = data
