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
"""A hypervisor in a directory of its own, and machines booted from the guest image.

The image is ``$TROVE_E2E_ROOTFS``, or the one the sandbox built. Where machines cannot run the
tests are skipped; with ``TROVE_E2E=1``, as in CI, that is a failure.
"""

import os
import pathlib
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from minicloud.hypervisor import (FixedIP, NetworkSpec, PortSpec, RuleSpec, ServerSpec, State,
                                  SubnetSpec, VolumeAttachment)
from minicloud.machines import check, teardown
from minicloud.machines.hypervisor import NspawnHypervisor, create
from minicloud.machines.keeper import Keepers
from minicloud.machines.layout import Layout

EVERYTHING_OUT = RuleSpec('egress-4', 'egress', 'IPv4')
PING = RuleSpec('ping', 'ingress', 'IPv4', 'icmp')


def _image() -> pathlib.Path:
    directory = os.environ.get('TROVE_SANDBOX_DIR', '/var/lib/trove-sandbox')
    return pathlib.Path(os.environ.get('TROVE_E2E_ROOTFS',
                                       f'{directory}/images/mariadb-10.11/rootfs'))


def _unable(reason: str) -> None:
    if os.environ.get('TROVE_E2E') == '1':
        pytest.fail(reason)
    pytest.skip(reason)


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until something is true; return whether it became so within the time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pings(address: str) -> bool:
    """Return whether an address answers one ICMP echo request within a second."""
    request = struct.pack('!BBHHH', 8, 0, 0, os.getpid() & 0xffff, 1)
    total = sum(struct.unpack('!4H', request))
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    request = request[:2] + struct.pack('!H', total) + request[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as link:
        link.settimeout(1)
        try:
            link.sendto(request, (address, 0))
            while True:
                reply, peer = link.recvfrom(200)
                if peer[0] == address and reply[20] == 0 and reply[24:26] == request[4:6]:
                    return True
        except OSError:
            return False


class Site:
    """A hypervisor under test with one network, and shorthand for what tests do to it."""

    def __init__(self, directory: pathlib.Path, image: pathlib.Path):
        self.layout = Layout.of(directory)
        self.image = image
        self.events: list[tuple[str, str, str]] = []
        self.network = NetworkSpec(str(uuid.uuid4()), 'one')
        #: First two numbers of all addresses; several runs side by side must not meet.
        self.base = f'10.{100 + int(self.layout.prefix[3:], 16) % 150}'
        self.host = f'{self.base}.1.1'
        self.hypervisor = self.connect()
        self.plug(self.network, 1)
        self._next = 10

    def connect(self) -> NspawnHypervisor:
        """Return a hypervisor as a newly started minicloud would have it."""
        hypervisor = create({'directory': str(self.layout.directory)})
        hypervisor.subscribe(lambda *event: self.events.append(event))
        return hypervisor

    def plug(self, network: NetworkSpec, number: int) -> str:
        """Plug a network with ``number`` as third octet; return the host's address on it."""
        net = f'{self.base}.{number}'
        self.hypervisor.plug_network(
            network, (SubnetSpec(f'net{number}', f'{net}.0/24', f'{net}.1'),))
        return f'{net}.1'

    def port(self, *rules: RuleSpec, network: NetworkSpec | None = None,
             number: int = 1, **more) -> PortSpec:
        """Return a new port with an address of its own, of the network plugged as ``number``."""
        self._next += 1
        net = f'{self.base}.{number}'
        return PortSpec(str(uuid.uuid4()), f'fa:16:3e:00:00:{self._next:02x}',
                        (network or self.network).id,
                        (FixedIP(f'{net}.{self._next}', 24, f'{net}.1', (f'{net}.1',)),),
                        rules, **more)

    def spec(self, *ports: PortSpec, **more) -> ServerSpec:
        """Return a new server."""
        return ServerSpec(str(uuid.uuid4()), more.pop('name', 'one'), 'project',
                          str(self.image), more.pop('vcpus', 1), more.pop('ram_mb', 512), 5,
                          ports=ports, **more)

    def volume(self, size_gb: int = 1, device: str = '/dev/vdb') -> VolumeAttachment:
        """Make a new volume."""
        volume_id = str(uuid.uuid4())
        self.hypervisor.create_volume(volume_id, size_gb)
        return VolumeAttachment(volume_id, device, volume_id[:20])

    def leader(self, spec: ServerSpec) -> int | None:
        """Return the machine's first process."""
        return Keepers(self.layout).leader(spec.id)

    def run(self, spec: ServerSpec, command: str, check_status: bool = True,
            timeout: float = 30) -> str:
        """Run a shell command in the machine and return its output."""
        done = subprocess.run(
            ['nsenter', '--target', str(self.leader(spec)), '--all', '/bin/sh', '-c',
             command], capture_output=True, text=True, timeout=timeout, check=False)
        if check_status:
            assert done.returncode == 0, f'{command}: {done.stdout}{done.stderr}'
        return done.stdout + done.stderr

    def put(self, spec: ServerSpec, path: str, text: str) -> None:
        """Write a file in the machine."""
        subprocess.run(['nsenter', '--target',
                        str(self.leader(spec)), '--all', 'tee', path], input=text, text=True,
                       check=True, stdout=subprocess.DEVNULL, timeout=30)

    def boot(self, *ports: PortSpec, **more) -> ServerSpec:
        """Make a machine and wait until cloud-init is through."""
        spec = self.spec(*ports, **more)
        self.hypervisor.create_server(spec)
        self.await_up(spec)
        return spec

    def await_up(self, spec: ServerSpec) -> None:
        """Wait until the machine's cloud-init is through."""
        assert eventually(lambda: self.leader(spec) is not None and 'result.json' in self.run(
            spec, 'ls /run/cloud-init', check_status=False), 90), \
            self.hypervisor.console_log(spec.id, 50)

    def state(self, spec: ServerSpec) -> State:
        """Return the machine's state."""
        return self.hypervisor.server_state(spec.id)


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Iterator[Site]:
    """A hypervisor of the module's own; everything of it is gone afterwards."""
    directory = tmp_path_factory.mktemp('site')
    layout = Layout.of(directory)
    missing = check.missing(layout)
    if missing:
        _unable('; '.join(missing))
    image = _image()
    if not (image / 'etc/os-release').exists():
        _unable(f'no guest image in {image}; build it or set TROVE_E2E_ROOTFS')
    made = Site(directory, image)
    try:
        yield made
    finally:
        made.hypervisor.close()
        left = teardown.down(layout, timeout=10)
    assert left == []
