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
"""Paths of one sandbox and its names on the host.

All objects of a sandbox on the host (interfaces, namespaces, nft tables, processes, control
groups) have a prefix derived from its directory. Sandboxes can therefore run side by side, and
each finds exactly its own objects to remove.
"""

import dataclasses
import hashlib
import pathlib
import uuid

#: Longest name of a network interface in the kernel.
_INTERFACE_LENGTH = 15


def prefix_of(directory: str | pathlib.Path) -> str:
    """Return the seven characters that begin all host names of the sandbox in ``directory``."""
    real = str(pathlib.Path(directory).resolve())
    return 'trv' + hashlib.sha256(real.encode()).hexdigest()[:4]


def _short(identity: str, length: int) -> str:
    """Return ``length`` hexadecimal characters derived from an id of any form."""
    try:
        text = uuid.UUID(identity).hex
    except ValueError:
        text = hashlib.sha256(identity.encode()).hexdigest()
    return text[:length]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Paths and names of one sandbox. ``directory`` is the sandbox's, not minicloud's."""

    directory: pathlib.Path
    prefix: str

    @classmethod
    def of(cls, directory: str | pathlib.Path) -> 'Layout':
        """Return the layout of the sandbox in ``directory``."""
        real = pathlib.Path(directory).resolve()
        return cls(real, prefix_of(real))

    @property
    def base(self) -> pathlib.Path:
        """Return the directory of minicloud's files."""
        return self.directory / 'minicloud'

    @property
    def machines(self) -> pathlib.Path:
        """Return the parent of the directories of machines."""
        return self.base / 'machines'

    @property
    def volumes(self) -> pathlib.Path:
        """Return the directory of the files behind volumes and snapshots."""
        return self.base / 'volumes'

    @property
    def networks(self) -> pathlib.Path:
        """Return the directory of the records of networks and floating addresses."""
        return self.base / 'networks'

    def machine(self, server_id: str) -> pathlib.Path:
        """Return the directory of one machine."""
        return self.machines / server_id

    def volume(self, volume_id: str) -> pathlib.Path:
        """Return the file behind one volume."""
        return self.volumes / (volume_id + '.img')

    def snapshot(self, snapshot_id: str) -> pathlib.Path:
        """Return the file behind one snapshot."""
        return self.volumes / (snapshot_id + '.snapshot')

    def machine_name(self, server_id: str) -> str:
        """Return the name of a machine, its network namespace and its scope, shown in process
        lists.
        """
        return f'{self.prefix}-{server_id}'

    def tap(self, port_id: str) -> str:
        """Return the name of the host's end of a port's veth pair, and of the port's filter table.
        """
        return f'{self.prefix}t' + _short(port_id, _INTERFACE_LENGTH - len(self.prefix) - 1)

    def bridge(self, network_id: str) -> str:
        """Return the name of the bridge of a network without a fixed one."""
        return f'{self.prefix}n' + _short(network_id, _INTERFACE_LENGTH - len(self.prefix) - 1)

    @property
    def host_table(self) -> str:
        """Return the name of the nft tables with forwarding rules and address translation."""
        return f'{self.prefix}_host'
