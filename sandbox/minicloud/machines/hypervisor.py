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
"""Hypervisor of a sandbox: the protocol of ``minicloud.hypervisor`` with real machines.

Machines are systemd-nspawn containers, networks bridges, volumes loop devices, filters nftables.
All state is on the host: a second process with the same settings finds it.
"""

import contextlib
import logging
import re
from collections.abc import Mapping
from typing import Any

from minicloud.hypervisor import (Event, FloatingSpec, HypervisorError, Listener, NetworkSpec,
                                  PortSpec, ServerSpec, State, SubnetSpec)
from minicloud.machines import check
from minicloud.machines.cables import Networks
from minicloud.machines.disks import Volumes
from minicloud.machines.images import Images
from minicloud.machines.layout import Layout
from minicloud.machines.lifecycle import Machines
from minicloud.machines.watch import Watch

LOG = logging.getLogger(__name__)
#: Colours, cursor movements, titles and carriage returns that programs send to a terminal.
_TERMINAL = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]'
                       r'|\x1b[=>78]|\r')


class NspawnHypervisor:
    """Implementation of :class:`minicloud.hypervisor.Hypervisor`, which documents every method."""

    def __init__(self, layout: Layout, images: Images | None = None):
        self._layout = layout
        self._images = images or Images({})
        self._listener: Listener | None = None
        self._networks = Networks(layout)
        self._volumes = Volumes(layout)
        self._watch = Watch(self._ended)
        self._machines = Machines(layout, self._networks, self._volumes, self._watch.add)
        self._networks.restore()
        self._machines.adopt()

    def subscribe(self, listener: Listener) -> None:
        """Implement the protocol."""
        self._listener = listener

    def close(self) -> None:
        """Implement the protocol."""
        self._watch.close()

    def _ended(self, server_id: str) -> None:
        """Handle the end of a machine's keeper; call the listener unless the end was requested."""
        with self._machines.lock(server_id):
            machine = self._machines.storage.load(server_id)
            if machine is None or not machine.should_run \
                    or self._machines.keepers.find(server_id) is not None:
                return
            machine.should_run = False
            with contextlib.suppress(FileNotFoundError):
                self._machines.storage.save(machine)
            status = self._machines.keepers.end_status(server_id)
            self._machines.keepers.reap_ended()
            self._machines.unplug(machine)
        if status == 0:
            event, detail = Event.STOPPED, 'The machine powered itself off.'
        elif status is None:
            event, detail = Event.FAILED, 'The machine was killed.'
        else:
            event, detail = Event.FAILED, f'The machine ended with status {status}.'
        LOG.warning('Machine %s: %s', server_id, detail)
        if self._listener is not None:
            self._listener(server_id, event, detail)

    # Machines

    def create_server(self, spec: ServerSpec) -> None:
        """Implement the protocol."""
        self._images.ensure(spec.image_path)
        self._machines.create(spec)

    def delete_server(self, server_id: str) -> None:
        """Implement the protocol."""
        self._machines.delete(server_id)

    def start_server(self, spec: ServerSpec) -> None:
        """Implement the protocol."""
        self._machines.start(spec)

    def stop_server(self, server_id: str, timeout: float = 60.0) -> None:
        """Implement the protocol."""
        self._machines.stop(server_id, timeout)

    def reboot_server(self, spec: ServerSpec, hard: bool) -> None:
        """Implement the protocol."""
        self._machines.reboot(spec, hard)

    def rebuild_server(self, spec: ServerSpec) -> None:
        """Implement the protocol."""
        self._images.ensure(spec.image_path)
        self._machines.rebuild(spec)

    def resize_server(self, spec: ServerSpec) -> None:
        """Implement the protocol."""
        self._machines.resize(spec)

    def server_state(self, server_id: str) -> State:
        """Implement the protocol."""
        return self._machines.state(server_id)

    def console_log(self, server_id: str, lines: int | None = None) -> str:
        """Implement the protocol."""
        try:
            raw = self._machines.keepers.console_path(server_id).read_bytes()
        except FileNotFoundError:
            return ''
        text = _TERMINAL.sub('', raw.decode('utf-8', 'replace'))
        if lines is None:
            return text
        return ''.join(text.splitlines(keepends=True)[-lines:]) if lines > 0 else ''

    # Volumes

    def create_volume(self, volume_id: str, size_gb: int) -> None:
        """Implement the protocol."""
        self._volumes.create(volume_id, size_gb)

    def clone_volume(self, volume_id: str, size_gb: int, source_id: str) -> None:
        """Implement the protocol."""
        with self._machines.still(source_id):
            self._volumes.clone(volume_id, size_gb, source_id)

    def extend_volume(self, volume_id: str, size_gb: int) -> None:
        """Implement the protocol."""
        self._volumes.extend(volume_id, size_gb)

    def delete_volume(self, volume_id: str) -> None:
        """Implement the protocol."""
        self._volumes.delete(volume_id)

    def snapshot_volume(self, snapshot_id: str, volume_id: str) -> None:
        """Implement the protocol."""
        with self._machines.still(volume_id):
            self._volumes.snapshot(snapshot_id, volume_id)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Implement the protocol."""
        self._volumes.delete_snapshot(snapshot_id)

    def attach_volume(self, server_id: str, volume_id: str, device: str) -> None:
        """Implement the protocol."""
        self._machines.attach(server_id, volume_id, device)

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        """Implement the protocol."""
        self._machines.detach(server_id, volume_id)

    # Networks

    def plug_network(self, network: NetworkSpec, subnets: tuple[SubnetSpec, ...]) -> None:
        """Implement the protocol."""
        self._networks.plug(network, subnets)

    def unplug_network(self, network_id: str) -> None:
        """Implement the protocol."""
        self._networks.unplug(network_id)

    def apply_ports(self, server_id: str, ports: tuple[PortSpec, ...]) -> None:
        """Implement the protocol."""
        self._machines.apply_ports(server_id, ports)

    def apply_security(self, ports: tuple[PortSpec, ...]) -> None:
        """Implement the protocol."""
        for port in ports:
            if self._networks.has_card(port.id):
                self._networks.apply_filter(port)

    def bind_floating_ip(self, floating: FloatingSpec, fixed_address: str,
                         port: PortSpec) -> None:
        """Implement the protocol."""
        self._networks.bind(floating, fixed_address)

    def unbind_floating_ip(self, floating: FloatingSpec) -> None:
        """Implement the protocol."""
        self._networks.unbind(floating.id)


def create(settings: Mapping[str, Any]) -> NspawnHypervisor:
    """Return the hypervisor of a sandbox.

    :param settings: ``directory`` is the sandbox's directory; ``images`` has the recipes of
        missing images, see :class:`minicloud.machines.images.Images`.
    :raises HypervisorError: the host cannot run machines; the message has the reasons.
    """
    layout = Layout.of(settings['directory'])
    missing = check.missing(layout)
    if missing:
        raise HypervisorError('This host cannot run machines: ' + '; '.join(missing))
    return NspawnHypervisor(layout, Images(settings.get('images', {})))
