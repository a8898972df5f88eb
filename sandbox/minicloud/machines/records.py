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
"""Records of machines and networks that must survive a restart of minicloud.

Small JSON files beside the objects they describe, replaced atomically. They contain no secrets:
user data and keys are only in the machine's disk.
"""

import dataclasses
import json
import os
import pathlib
from typing import Any


def write_json(path: pathlib.Path, document: Any) -> None:
    """Replace ``path`` by the document atomically.

    The directory must exist: a late record must not recreate a removed machine.
    """
    temporary = path.with_name(f'.{path.name}.new')
    with open(temporary, 'w', encoding='utf-8') as stream:
        json.dump(document, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def read_json(path: pathlib.Path) -> Any:
    """Return the document in ``path``, or None if it is missing."""
    try:
        with open(path, encoding='utf-8') as stream:
            return json.load(stream)
    except FileNotFoundError:
        return None


@dataclasses.dataclass
class Card:
    """One network card of a machine."""

    port_id: str
    #: Name inside the machine (``eth0``).
    name: str
    #: Name of the host's end of the veth pair.
    tap: str
    mac: str
    network_id: str
    #: Fixed addresses that the machine uses: address, prefix length, gateway, name servers.
    fixed_ips: list[list[Any]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Disk:
    """One volume of a machine."""

    volume_id: str
    device: str
    serial: str


@dataclasses.dataclass
class Machine:
    """One machine on the host."""

    id: str
    name: str
    image_path: str
    vcpus: int
    ram_mb: int
    cards: list[Card] = dataclasses.field(default_factory=list)
    disks: list[Disk] = dataclasses.field(default_factory=list)
    #: False until the machine's disk is complete and its first process has run once.
    created: bool = False
    #: True while the machine should run: until it was stopped or stopped by itself.
    should_run: bool = False
    #: True when addresses changed after cloud-init had configured the cards on the first boot.
    readdressed: bool = False

    def card(self, port_id: str) -> Card | None:
        """Return the card of a port, or None."""
        return next((card for card in self.cards if card.port_id == port_id), None)

    def disk(self, volume_id: str) -> Disk | None:
        """Return the disk of a volume, or None."""
        return next((disk for disk in self.disks if disk.volume_id == volume_id), None)

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON document."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> 'Machine':
        """Return the record of a JSON document."""
        known = dict(document)
        if 'wanted' in known:  # written by earlier versions
            known['should_run'] = known.pop('wanted')
        known['cards'] = [Card(**card) for card in document.get('cards', ())]
        known['disks'] = [Disk(**disk) for disk in document.get('disks', ())]
        return cls(**known)


@dataclasses.dataclass
class Network:
    """One network on the host."""

    id: str
    bridge: str
    mtu: int
    external: bool
    #: Subnets: id -> (cidr, gateway or None).
    subnets: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
