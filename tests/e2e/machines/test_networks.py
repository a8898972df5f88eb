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
"""Security groups, isolation of networks, floating addresses, cards plugged while running."""

import dataclasses
import socket
import uuid

import pytest

from minicloud.hypervisor import (FixedIP, FloatingSpec, HypervisorError, NetworkSpec, RuleSpec,
                                  SubnetSpec)

from .conftest import EVERYTHING_OUT, PING, eventually, pings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
OPEN_3306 = RuleSpec('sql', 'ingress', 'IPv4', 'tcp', 3306, 3306)
#: Server that answers every TCP connection and UDP datagram with a line until it is stopped.
SERVER = r'''
import socket, sys, threading
port = int(sys.argv[1])
def tcp():
    server = socket.create_server(("", port))
    while True:
        link, peer = server.accept()
        threading.Thread(target=serve, args=(link, peer), daemon=True).start()
def serve(link, peer):
    link.sendall(peer[0].encode())
    while link.recv(100):
        link.sendall(b"more")
threading.Thread(target=tcp, daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", port))
while True:
    data, peer = udp.recvfrom(100)
    udp.sendto(b"got " + data, peer)
'''


def listen(site, spec, *ports):
    for port in ports:
        site.run(spec, f"systemd-run -q /usr/bin/python3 -c '{SERVER}' {port}")
        site.run(spec, f'for i in 1 2 3 4 5 6 7 8 9; do ss -Htln sport = :{port} | grep -q . '
                       '&& break; sleep 0.3; done')


@pytest.fixture(scope='module')
def machine(site):
    spec = site.boot(site.port(EVERYTHING_OUT, PING, OPEN_3306))
    listen(site, spec, 3306, 8080)
    yield spec
    site.hypervisor.delete_server(spec.id)


@pytest.fixture(autouse=True)
def rules_as_before(site, request):
    yield
    if 'machine' in request.fixturenames:
        site.hypervisor.apply_security(request.getfixturevalue('machine').ports)


def address_of(spec) -> str:
    return spec.ports[0].fixed_ips[0].address


def answer(address: str, port: int, seconds: float = 1.0) -> str | None:
    try:
        with socket.create_connection((address, port), timeout=seconds) as link:
            return link.recv(100).decode()
    except OSError:
        return None


def connects_from(site, spec, address: str, port: int) -> bool:
    program = f'import socket; socket.create_connection(("{address}", {port}), timeout=1)'
    return 'Error' not in site.run(spec, f"python3 -c '{program}'", check_status=False)


def with_rules(spec, *rules, **more):
    return (dataclasses.replace(spec.ports[0], rules=rules, **more),)


def test_only_what_a_rule_allows_gets_in(site, machine):
    assert answer(address_of(machine), 3306) == site.host
    assert answer(address_of(machine), 8080) is None


def test_a_new_rule_opens_and_open_connections_stay(site, machine):
    with socket.create_connection((address_of(machine), 3306), timeout=2) as link:
        link.recv(100)
        rule = RuleSpec('web', 'ingress', 'IPv4', 'tcp', 8000, 8100, f'{site.base}.1.0/24')
        site.hypervisor.apply_security(with_rules(machine, EVERYTHING_OUT, rule))
        assert answer(address_of(machine), 8080) == site.host
        assert answer(address_of(machine), 3306) is None
        link.sendall(b'still there?')
        assert link.recv(100) == b'more'


def test_a_rule_for_others_does_not_open(site, machine):
    rules = (RuleSpec('a', 'ingress', 'IPv4', 'tcp', 8080, 8080, '192.0.2.0/24'),
             RuleSpec('b', 'ingress', 'IPv4', 'tcp', 8080, 8080,
                      remote_addresses=(f'{site.base}.1.99',)),
             RuleSpec('c', 'ingress', 'IPv4', 'tcp', 8080, 8080, remote_addresses=()))
    site.hypervisor.apply_security(with_rules(machine, EVERYTHING_OUT, *rules))
    assert answer(address_of(machine), 8080) is None


def test_datagrams_and_their_answers(site, machine):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(1)
        link.sendto(b'one', (address_of(machine), 3306))
        with pytest.raises(TimeoutError):
            link.recv(100)
        # In only: the answers must get out without a rule of their own.
        site.hypervisor.apply_security(with_rules(
            machine, RuleSpec('udp', 'ingress', 'IPv4', 'udp', 3306, 3306)))
        link.sendto(b'two', (address_of(machine), 3306))
        assert link.recv(100) == b'got two'


def test_out_needs_a_rule_and_answers_come_back(site, machine):
    with socket.create_server((site.host, 0)) as server:
        port = server.getsockname()[1]
        assert connects_from(site, machine, site.host, port)
        site.hypervisor.apply_security(with_rules(machine, OPEN_3306))
        assert not connects_from(site, machine, site.host, port)
        assert answer(address_of(machine), 3306) == site.host


def test_ping_follows_its_rule(site, machine):
    assert pings(address_of(machine))
    site.hypervisor.apply_security(with_rules(machine, EVERYTHING_OUT))
    assert not pings(address_of(machine))


def test_a_foreign_source_address_does_not_get_out(site, machine):
    site.run(machine, f'ip address add {site.base}.1.200/24 dev eth0')
    program = ('import socket; s = socket.create_connection(("{host}", {port}), timeout=1, '
               'source_address=("{foreign}", 0))')
    foreign = f'{site.base}.1.200'
    try:
        with socket.create_server((site.host, 0)) as server:
            command = program.format(
                host=site.host, foreign=foreign, port=server.getsockname()[1])
            command = f"python3 -c '{command}'"
            assert 'Error' in site.run(machine, command, check_status=False)
            site.hypervisor.apply_security(with_rules(
                machine, EVERYTHING_OUT, allowed_addresses=(f'{site.base}.1.200',)))
            assert 'Error' not in site.run(machine, command, check_status=False)
            site.hypervisor.apply_security(with_rules(machine, port_security=False))
            assert 'Error' not in site.run(machine, command, check_status=False)
            assert answer(address_of(machine), 8080) == site.host
    finally:
        site.run(machine, f'ip address delete {site.base}.1.200/24 dev eth0')


def test_root_of_the_machine_cannot_lift_the_filter(site, machine):
    site.run(machine, 'nft flush ruleset 2>/dev/null', check_status=False)
    assert answer(address_of(machine), 8080) is None


@pytest.fixture(scope='module')
def elsewhere(site):
    """A second network with a machine on it, and an external one."""
    other = NetworkSpec(str(uuid.uuid4()), 'two')
    outside = NetworkSpec(str(uuid.uuid4()), 'outside', external=True)
    site.plug(other, 2)
    site.plug(outside, 3)
    spec = site.boot(site.port(EVERYTHING_OUT, network=other, number=2))
    yield spec, outside
    site.hypervisor.delete_server(spec.id)
    site.hypervisor.unplug_network(other.id)
    site.hypervisor.unplug_network(outside.id)


def test_networks_do_not_reach_each_other_but_through_floating_addresses(
        site, machine, elsewhere):
    other, outside = elsewhere
    assert not connects_from(site, other, address_of(machine), 3306)
    floating = FloatingSpec(str(uuid.uuid4()), f'{site.base}.3.7', outside.id)
    site.hypervisor.bind_floating_ip(floating, address_of(machine), machine.ports[0])
    assert connects_from(site, other, f'{site.base}.3.7', 3306)
    assert not connects_from(site, other, f'{site.base}.3.7', 8080)
    assert not connects_from(site, other, address_of(machine), 3306)
    # From the host as well, and from the machine's own network.
    assert answer(f'{site.base}.3.7', 3306) is not None
    neighbour = site.boot(site.port(EVERYTHING_OUT))
    try:
        assert connects_from(site, neighbour, f'{site.base}.3.7', 3306)
    finally:
        site.hypervisor.delete_server(neighbour.id)
    site.hypervisor.unbind_floating_ip(floating)
    assert not connects_from(site, other, f'{site.base}.3.7', 3306)


def test_the_hosts_other_addresses_are_out_of_reach(site, machine, elsewhere):
    other, _outside = elsewhere
    with socket.create_server(('0.0.0.0', 0)) as server:
        port = server.getsockname()[1]
        assert connects_from(site, other, f'{site.base}.2.1', port)
        assert not connects_from(site, other, site.host, port)


def test_overlapping_networks_are_refused(site, machine):
    with pytest.raises(HypervisorError, match='overlaps'):
        site.hypervisor.plug_network(NetworkSpec(str(uuid.uuid4()), 'bad'),
                                     (SubnetSpec('bad', f'{site.base}.0.0/16', site.host),))


def test_a_card_plugged_into_a_running_machine(site, machine, elsewhere):
    other, _outside = elsewhere
    network = NetworkSpec(other.ports[0].network_id, 'two')
    second = site.port(EVERYTHING_OUT, PING, OPEN_3306, network=network, number=2)
    site.hypervisor.apply_ports(machine.id, (*machine.ports, second))
    assert eventually(lambda: answer(second.fixed_ips[0].address, 3306) == f'{site.base}.2.1', 5)
    elsewhere_host = f'{site.base}.2.1'
    moved = dataclasses.replace(second, fixed_ips=(
        FixedIP(f'{site.base}.2.200', 24, elsewhere_host),))
    site.hypervisor.apply_ports(machine.id, (*machine.ports, moved))
    assert eventually(lambda: answer(f'{site.base}.2.200', 3306) == f'{site.base}.2.1', 5)
    assert answer(second.fixed_ips[0].address, 3306) is None
    # It is still there, with the new address, after the machine booted again.
    site.hypervisor.reboot_server(dataclasses.replace(machine, ports=(*machine.ports, moved)),
                                  hard=True)
    site.await_up(machine)
    listen(site, machine, 3306, 8080)
    assert eventually(lambda: answer(f'{site.base}.2.200', 3306) == f'{site.base}.2.1', 10)
    assert answer(address_of(machine), 3306) == site.host
    site.hypervisor.apply_ports(machine.id, machine.ports)
    assert 'eth1' not in site.run(machine, 'ls /sys/class/net')
    assert answer(address_of(machine), 3306) == site.host
