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

"""What minicloud's REST side asks of the machine side, and in which words.

Only the protocol and the plain records it speaks live here. Real machines are in
``minicloud.machines``; tests bring simulated ones. The REST side owns all identities and
wishes (which server, which port, which address); the hypervisor owns what exists on the host
and can always be asked for it again, so both may be restarted on their own.

Rules every implementation keeps:

* Methods may block; they are called from worker threads, never from a request, and never
  twice at the same time for the same server or the same volume. Different servers and volumes
  are handled at the same time, so shared things need the implementation's own lock.
* A method that returns has done its work; one that cannot raises :class:`HypervisorError` with
  a sentence fit for the ``fault`` of a server.
* Every method may be repeated with the same arguments: what already is as asked stays as it
  is, what is already gone stays gone.
* What happens to a machine without having been asked for (it powered itself off, it died) is
  told through the listener given to :meth:`Hypervisor.subscribe`.
"""

import dataclasses
import enum
from typing import Any, Callable, Mapping, NamedTuple, Protocol, runtime_checkable


class HypervisorError(Exception):
    """The host could not do what was asked; ``str()`` is shown to the cloud's user."""


class State(enum.StrEnum):
    """What a machine is, as seen on the host."""

    RUNNING = 'running'
    STOPPED = 'stopped'
    MISSING = 'missing'


class Event(enum.StrEnum):
    """What a listener hears about a machine that changed by itself."""

    #: It runs again, for example after it rebooted itself.
    STARTED = 'started'
    #: It powered itself off in good order.
    STOPPED = 'stopped'
    #: It died; the detail says what is known about the reason.
    FAILED = 'failed'


#: ``listener(server_id, event, detail)``; called from any thread, returns quickly, never raises.
Listener = Callable[[str, Event, str], None]


class FixedIP(NamedTuple):
    """One address of a port, with what the machine must know to use it."""

    address: str
    prefixlen: int
    #: The subnet's router, or None when the subnet has none.
    gateway: str | None
    #: Name servers, possibly none.
    dns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class RuleSpec:
    """One security group rule, remote groups already resolved to addresses.

    A port with port security lets in and out only what one of its rules allows, the answers to
    it, and what IPv4 and IPv6 need to work at all (ARP, neighbour discovery, DHCP client).
    """

    id: str
    #: ``ingress`` (to the machine) or ``egress`` (from it).
    direction: str
    #: ``IPv4`` or ``IPv6``.
    ethertype: str
    #: ``tcp``, ``udp``, ``icmp``, another name or a number as text; None is every protocol.
    protocol: str | None = None
    #: For tcp and udp the port range, ends included; for icmp type and code. None is all.
    port_min: int | None = None
    port_max: int | None = None
    #: The other side as a network in CIDR notation; None is any address, unless
    #: ``remote_addresses`` is given.
    remote_ip_prefix: str | None = None
    #: Addresses of the members of the rule's remote group. None: the rule names no group. An
    #: empty tuple: it names one that has no members, so the rule allows nothing.
    remote_addresses: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """One network card of a machine."""

    id: str
    mac: str
    network_id: str
    fixed_ips: tuple[FixedIP, ...] = ()
    #: Rules of all the security groups of the port together.
    rules: tuple[RuleSpec, ...] = ()
    #: False: nothing is filtered and any source address may be used.
    port_security: bool = True
    #: Further source addresses (CIDR) the machine may use on this port.
    allowed_addresses: tuple[str, ...] = ()
    name: str = ''


class VolumeAttachment(NamedTuple):
    """A block device a machine shall see."""

    volume_id: str
    #: Device name inside the machine, such as ``/dev/vdb``.
    device: str
    #: What the guest finds as the serial number of the disk: the volume id's first 20
    #: characters, as with virtio.
    serial: str


class KeyPair(NamedTuple):
    """A public key whose owner may log in."""

    name: str
    public_key: str


@dataclasses.dataclass(frozen=True)
class ServerSpec:
    """A whole machine as the cloud's user wants it."""

    id: str
    name: str
    project_id: str
    #: The host's path of what the machine starts from: a root file system tree.
    image_path: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: As given by the user, already base64-decoded.
    user_data: bytes | None = None
    config_drive: bool = False
    key_pairs: tuple[KeyPair, ...] = ()
    #: In the order the machine shall see them (eth0 is the first).
    ports: tuple[PortSpec, ...] = ()
    volumes: tuple[VolumeAttachment, ...] = ()
    availability_zone: str = 'nova'
    user_id: str = ''


@dataclasses.dataclass(frozen=True)
class SubnetSpec:
    """A range of addresses on a network."""

    id: str
    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """One layer-2 network; on this host, a bridge."""

    id: str
    name: str
    #: True: floating addresses are taken from it.
    external: bool = False
    mtu: int = 1500
    #: The bridge's name when the operator fixed it at bootstrap, else None: the
    #: implementation makes one up and keeps it as long as the network lives.
    bridge: str | None = None


@dataclasses.dataclass(frozen=True)
class FloatingSpec:
    """An address of an external network that leads to an address of a machine."""

    id: str
    address: str
    network_id: str


@runtime_checkable
class Hypervisor(Protocol):
    """The host's side of minicloud. See the module's rules."""

    def subscribe(self, listener: Listener) -> None:
        """Name who hears of machines that changed by themselves; the last one named counts."""

    # Machines

    def create_server(self, spec: ServerSpec) -> None:
        """Make the machine's disk from its image and start it.

        Its networks are plugged and its volumes made before. Returns when the machine's first
        process runs; what it does then (cloud-init, an agent) is not waited for. After an
        error nothing of the machine is left.
        """

    def delete_server(self, server_id: str) -> None:
        """Take the machine away, running or not, with its disk, console log and cards.

        Its volumes are detached, not deleted.
        """

    def start_server(self, spec: ServerSpec) -> None:
        """Start a stopped machine from the disk it has, with the spec's cards and volumes."""

    def stop_server(self, server_id: str, timeout: float = 60.0) -> None:
        """Ask the machine to power off, after ``timeout`` seconds switch it off."""

    def reboot_server(self, spec: ServerSpec, hard: bool) -> None:
        """Start the machine anew; ``hard`` switches it off instead of asking it."""

    def rebuild_server(self, spec: ServerSpec) -> None:
        """Replace the disk by a fresh one from ``spec.image_path`` and start the machine.

        Cards, addresses and volumes stay; user data and keys are those of the new spec.
        """

    def resize_server(self, spec: ServerSpec) -> None:
        """Give the machine the spec's processors and memory and start it again; disk stays."""

    def server_state(self, server_id: str) -> State:
        """Say what the machine is right now."""

    def console_log(self, server_id: str, lines: int | None = None) -> str:
        """Return the last ``lines`` lines (None: all that is kept) of the console's output."""

    # Volumes

    def create_volume(self, volume_id: str, size_gb: int) -> None:
        """Make an empty (all zero) volume."""

    def clone_volume(self, volume_id: str, size_gb: int, source_id: str) -> None:
        """Make a volume with the content of another volume or snapshot."""

    def extend_volume(self, volume_id: str, size_gb: int) -> None:
        """Make the volume larger; when attached, the machine sees the new size at once."""

    def delete_volume(self, volume_id: str) -> None:
        """Give the volume's space back."""

    def snapshot_volume(self, snapshot_id: str, volume_id: str) -> None:
        """Keep the volume's content of this moment under a second id."""

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Give the snapshot's space back."""

    def attach_volume(self, server_id: str, volume_id: str, device: str) -> None:
        """Show the volume as ``device`` to the machine, running or stopped."""

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        """Take the volume from the machine, running or stopped."""

    # Networks

    def plug_network(self, network: NetworkSpec, subnets: tuple[SubnetSpec, ...]) -> None:
        """Make the network and bring it to exactly these subnets.

        The host itself takes the gateway address of each subnet and routes between networks.
        """

    def unplug_network(self, network_id: str) -> None:
        """Take the network away; it has no ports any more."""

    def apply_ports(self, server_id: str, ports: tuple[PortSpec, ...]) -> None:
        """Bring the cards of a machine to exactly these: add, remove, change addresses."""

    def apply_security(self, ports: tuple[PortSpec, ...]) -> None:
        """Bring the filters of these ports (of any machines) to their rules, connections stay.

        Ports whose machine is not there (not yet, not any more) are skipped.
        """

    def bind_floating_ip(self, floating: FloatingSpec, fixed_address: str,
                         port: PortSpec) -> None:
        """Lead the floating address to this address of this port, instead of any before."""

    def unbind_floating_ip(self, floating: FloatingSpec) -> None:
        """Let the floating address lead nowhere."""

    def close(self) -> None:
        """Stop watching. Machines go on; a later process of the same settings finds them."""


#: What a hypervisor's import path names: takes its settings (section of the configuration
#: document), returns the hypervisor.
Factory = Callable[[Mapping[str, Any]], Hypervisor]
