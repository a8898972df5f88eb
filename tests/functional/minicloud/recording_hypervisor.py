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

"""Hypervisor of dictionaries: records its calls and refuses impossible ones."""

import threading

from minicloud.hypervisor import Event, Hypervisor, HypervisorError, State


class RecordingHypervisor:
    """Implementation of :class:`minicloud.hypervisor.Hypervisor` without a host."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = []
        self.servers = {}
        self.states = {}
        self.volumes = {}
        self.snapshots = {}
        self.attached = {}
        self.networks = {}
        self.floating = {}
        self.security = {}
        self.failures = {}
        self.listener = None

    def fail(self, method, message):
        """Make the next call of the method fail."""
        self.failures[method] = message

    def report(self, server_id, event, detail=''):
        """Report an unrequested change of a machine to the listener."""
        self.states[server_id] = State.RUNNING if event is Event.STARTED else State.STOPPED
        self.listener(server_id, event, detail)

    def _note(self, method, *arguments):
        with self.lock:
            self.calls.append((method, *arguments))
            if method in self.failures:
                raise HypervisorError(self.failures.pop(method))

    def methods(self):
        return [call[0] for call in self.calls]

    def subscribe(self, listener):
        self.listener = listener

    def create_server(self, spec):
        self._note('create_server', spec.id)
        for port in spec.ports:
            assert port.network_id in self.networks, 'the network is not plugged'
        for volume in spec.volumes:
            assert volume.volume_id in self.volumes, 'the volume does not exist'
            self.attached[volume.volume_id] = (spec.id, volume.device)
        self.servers[spec.id], self.states[spec.id] = spec, State.RUNNING

    def delete_server(self, server_id):
        self._note('delete_server', server_id)
        self.servers.pop(server_id, None)
        self.states.pop(server_id, None)
        self.attached = {volume: place for volume, place in self.attached.items()
                         if place[0] != server_id}

    def _run(self, method, spec):
        self._note(method, spec.id)
        assert spec.id in self.servers
        self.servers[spec.id], self.states[spec.id] = spec, State.RUNNING

    def start_server(self, spec):
        self._run('start_server', spec)

    def stop_server(self, server_id, timeout=60.0):
        self._note('stop_server', server_id)
        self.states[server_id] = State.STOPPED

    def reboot_server(self, spec, hard):
        self._run('hard_reboot_server' if hard else 'reboot_server', spec)

    def rebuild_server(self, spec):
        self._run('rebuild_server', spec)

    def resize_server(self, spec):
        self._run('resize_server', spec)

    def server_state(self, server_id):
        return self.states.get(server_id, State.MISSING)

    def console_log(self, server_id, lines=None):
        text = ['booting', 'login:', f'server {server_id}']
        return '\n'.join(text if lines is None else text[-lines:])

    def create_volume(self, volume_id, size_gb):
        self._note('create_volume', volume_id)
        self.volumes[volume_id] = size_gb

    def clone_volume(self, volume_id, size_gb, source_id):
        self._note('clone_volume', volume_id, source_id)
        assert source_id in self.volumes or source_id in self.snapshots
        self.volumes[volume_id] = size_gb

    def extend_volume(self, volume_id, size_gb):
        self._note('extend_volume', volume_id, size_gb)
        self.volumes[volume_id] = size_gb

    def delete_volume(self, volume_id):
        self._note('delete_volume', volume_id)
        assert volume_id not in self.attached, 'the volume is attached'
        self.volumes.pop(volume_id, None)

    def snapshot_volume(self, snapshot_id, volume_id):
        self._note('snapshot_volume', snapshot_id, volume_id)
        self.snapshots[snapshot_id] = volume_id

    def delete_snapshot(self, snapshot_id):
        self._note('delete_snapshot', snapshot_id)
        self.snapshots.pop(snapshot_id, None)

    def attach_volume(self, server_id, volume_id, device):
        self._note('attach_volume', server_id, volume_id, device)
        self.attached[volume_id] = (server_id, device)

    def detach_volume(self, server_id, volume_id):
        self._note('detach_volume', server_id, volume_id)
        self.attached.pop(volume_id, None)

    def plug_network(self, network, subnets):
        self._note('plug_network', network.id)
        self.networks[network.id] = (network, subnets)

    def unplug_network(self, network_id):
        self._note('unplug_network', network_id)
        self.networks.pop(network_id, None)

    def apply_ports(self, server_id, ports):
        self._note('apply_ports', server_id)
        self.servers[server_id] = self.servers[server_id].__class__(
            **{**vars(self.servers[server_id]), 'ports': ports})

    def apply_security(self, ports):
        self._note('apply_security', tuple(port.id for port in ports))
        self.security.update({port.id: port.rules for port in ports})

    def bind_floating_ip(self, floating, fixed_address, port):
        self._note('bind_floating_ip', floating.address, fixed_address)
        self.floating[floating.address] = (fixed_address, port.id)

    def unbind_floating_ip(self, floating):
        self._note('unbind_floating_ip', floating.address)
        self.floating.pop(floating.address, None)

    def close(self):
        self._note('close')


assert isinstance(RecordingHypervisor(), Hypervisor)
