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

"""Interface between minicloud's REST side and its machines: a protocol and plain records.

``minicloud.machines`` implements it with real machines, tests with simulated ones. The REST side
owns all ids and specifications (servers, ports, addresses). The hypervisor owns the objects on the
host and can always report them, so each side can restart alone.

Rules of every implementation:

* Methods may block. They are called from worker threads, never from a request, and never
  concurrently for the same server or volume. Calls for different servers and volumes are
  concurrent, so shared objects need the implementation's own lock.
* A method returns when its work is done. On failure it raises :class:`HypervisorError` with a
  message suitable for the ``fault`` of a server.
* Every method may be repeated with the same arguments: an object that already has the
  requested state stays unchanged, a missing object stays missing.
* The listener given to :meth:`Hypervisor.subscribe` is called for unrequested changes of a
  machine (it powered itself off, it died).
"""

import dataclasses
import enum
from typing import Any, Callable, Mapping, NamedTuple, Protocol, runtime_checkable


class HypervisorError(Exception):
    """Failure of an operation on the host; ``str()`` is shown to the cloud's user."""


class State(enum.StrEnum):
    """State of a machine on the host."""

    RUNNING = 'running'
    STOPPED = 'stopped'
    MISSING = 'missing'


class Event(enum.StrEnum):
    """Kind of an unrequested change of a machine."""

    #: It runs again, for example after it rebooted itself.
    STARTED = 'started'
    #: It powered itself off in order.
    STOPPED = 'stopped'
    #: It died; the detail has the known reason.
    FAILED = 'failed'


#: ``listener(server_id, event, detail)``; called from any thread, returns quickly, never raises.
Listener = Callable[[str, Event, str], None]


class FixedIP(NamedTuple):
    """One address of a port, with the network settings the machine needs."""

    address: str
    prefixlen: int
    #: Router of the subnet; None if it has none.
    gateway: str | None
    #: Name servers, possibly none.
    dns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class RuleSpec:
    """One security group rule, with remote groups resolved to addresses.

    A port with port security passes only the traffic of its rules, replies to it, and the
    protocols that IPv4 and IPv6 need (ARP, neighbour discovery, DHCP client).
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
    #: Remote network in CIDR notation; None is any address, unless ``remote_addresses`` is given.
    remote_ip_prefix: str | None = None
    #: Addresses of the members of the rule's remote group. None: the rule has no group. An empty
    #: tuple: the group has no members, so the rule allows nothing.
    remote_addresses: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """One network port of a machine."""

    id: str
    mac: str
    network_id: str
    fixed_ips: tuple[FixedIP, ...] = ()
    #: Rules of all security groups of the port.
    rules: tuple[RuleSpec, ...] = ()
    #: False: no filter, and any source address is allowed.
    port_security: bool = True
    #: Further source addresses (CIDR) that the machine may use on this port.
    allowed_addresses: tuple[str, ...] = ()
    name: str = ''


class VolumeAttachment(NamedTuple):
    """Block device of a machine."""

    volume_id: str
    #: Device name inside the machine, such as ``/dev/vdb``.
    device: str
    #: Serial number of the disk in the guest: the first 20 characters of the volume id, as with
    #: virtio.
    serial: str


class KeyPair(NamedTuple):
    """Public key that allows a login."""

    name: str
    public_key: str


@dataclasses.dataclass(frozen=True)
class ServerSpec:
    """Specification of a whole machine."""

    id: str
    name: str
    project_id: str
    #: Path on the host of the root file system tree that the machine boots from.
    image_path: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: User data, already base64-decoded.
    user_data: bytes | None = None
    config_drive: bool = False
    key_pairs: tuple[KeyPair, ...] = ()
    #: Ports in the order in which the machine sees them (eth0 is the first).
    ports: tuple[PortSpec, ...] = ()
    volumes: tuple[VolumeAttachment, ...] = ()
    availability_zone: str = 'nova'
    user_id: str = ''


@dataclasses.dataclass(frozen=True)
class SubnetSpec:
    """Address range of a network."""

    id: str
    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """One layer-2 network; on this host, a bridge."""

    id: str
    name: str
    #: True: floating addresses are allocated from it.
    external: bool = False
    mtu: int = 1500
    #: Name of the bridge if the bootstrap document sets it; None: the implementation chooses a name
    #: and keeps it for the life of the network.
    bridge: str | None = None


@dataclasses.dataclass(frozen=True)
class FloatingSpec:
    """Address of an external network that leads to an address of a machine."""

    id: str
    address: str
    network_id: str


@runtime_checkable
class Hypervisor(Protocol):
    """Operations on the host; see the rules in the module's docstring."""

    def subscribe(self, listener: Listener) -> None:
        """Set the listener of unrequested changes; it replaces the former one."""

    # Machines

    def create_server(self, spec: ServerSpec) -> None:
        """Create the machine's disk from its image and start it.

        Its networks are plugged and its volumes created before. The call returns when the
        machine's first process runs, without waiting for cloud-init or an agent. A failed call
        leaves nothing of the machine.
        """

    def delete_server(self, server_id: str) -> None:
        """Remove the machine, running or not, with its disk, console log and ports.

        Its volumes are detached, not deleted.
        """

    def start_server(self, spec: ServerSpec) -> None:
        """Start a stopped machine from its disk, with the ports and volumes of the spec."""

    def stop_server(self, server_id: str, timeout: float = 60.0) -> None:
        """Request a power-off; after ``timeout`` seconds kill the machine."""

    def reboot_server(self, spec: ServerSpec, hard: bool) -> None:
        """Reboot the machine; ``hard`` kills it instead of requesting a shutdown."""

    def rebuild_server(self, spec: ServerSpec) -> None:
        """Replace the disk by a new one from ``spec.image_path`` and start the machine.

        Ports, addresses and volumes are kept; user data and keys are those of the new spec.
        """

    def resize_server(self, spec: ServerSpec) -> None:
        """Restart the machine with the spec's processors and memory; the disk is kept."""

    def server_state(self, server_id: str) -> State:
        """Return the present state of the machine."""

    def console_log(self, server_id: str, lines: int | None = None) -> str:
        """Return the last ``lines`` lines of the console's output (None: all that is stored)."""

    # Volumes

    def create_volume(self, volume_id: str, size_gb: int) -> None:
        """Create an empty (all zero) volume."""

    def clone_volume(self, volume_id: str, size_gb: int, source_id: str) -> None:
        """Create a volume with the content of another volume or snapshot."""

    def extend_volume(self, volume_id: str, size_gb: int) -> None:
        """Extend the volume; an attached machine sees the new size at once."""

    def delete_volume(self, volume_id: str) -> None:
        """Delete the volume and free its space."""

    def snapshot_volume(self, snapshot_id: str, volume_id: str) -> None:
        """Copy the volume's present content to a snapshot."""

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Delete the snapshot and free its space."""

    def attach_volume(self, server_id: str, volume_id: str, device: str) -> None:
        """Attach the volume to the machine as ``device``, running or stopped."""

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        """Detach the volume from the machine, running or stopped."""

    # Networks

    def plug_network(self, network: NetworkSpec, subnets: tuple[SubnetSpec, ...]) -> None:
        """Create or update the network with exactly these subnets.

        The host itself has the gateway address of each subnet and routes between networks.
        """

    def unplug_network(self, network_id: str) -> None:
        """Remove the network, which has no ports."""

    def apply_ports(self, server_id: str, ports: tuple[PortSpec, ...]) -> None:
        """Set the ports of a machine to exactly these: add, remove, change addresses."""

    def apply_security(self, ports: tuple[PortSpec, ...]) -> None:
        """Update the filters of these ports (of any machines) to their rules; connections survive.

        Ports of machines that do not run are skipped.
        """

    def bind_floating_ip(self, floating: FloatingSpec, fixed_address: str,
                         port: PortSpec) -> None:
        """Route the floating address to this address of this port, replacing a former target."""

    def unbind_floating_ip(self, floating: FloatingSpec) -> None:
        """Remove the route of the floating address."""

    def close(self) -> None:
        """Stop watching. Machines go on running; a later process with the same settings finds
        them.
        """


#: Type of the function that a hypervisor's import path names: it receives its section of the
#: configuration document and returns the hypervisor.
Factory = Callable[[Mapping[str, Any]], Hypervisor]
