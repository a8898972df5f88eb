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
"""Machines that are stopped, started, rebuilt, killed, and minicloud dying meanwhile."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from minicloud.hypervisor import Event, HypervisorError, State
from minicloud.machines import teardown
from minicloud.machines.layout import Layout

from . import conftest
from .conftest import EVERYTHING_OUT, PING, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def machine(site):
    spec = site.boot(site.port(EVERYTHING_OUT, PING), volumes=(site.volume(),))
    site.events.clear()
    yield spec
    site.hypervisor.delete_server(spec.id)


def pings(spec) -> bool:
    return conftest.pings(spec.ports[0].fixed_ips[0].address)


def test_stop_and_start_keep_the_disk(site, machine):
    site.run(machine, 'echo kept > /root/note; sync')
    site.hypervisor.stop_server(machine.id)
    assert site.state(machine) == State.STOPPED
    assert not pings(machine)
    assert 'Powering off.' in site.hypervisor.console_log(machine.id)
    site.hypervisor.stop_server(machine.id)
    site.hypervisor.start_server(machine)
    site.hypervisor.start_server(machine)
    site.await_up(machine)
    assert site.run(machine, 'cat /root/note') == 'kept\n'
    assert eventually(lambda: pings(machine))
    assert site.events == []


def test_a_machine_that_does_not_power_off_is_switched_off(site, machine):
    site.run(machine, 'printf "[Service]\nType=oneshot\nRemainAfterExit=yes\n'
                      'ExecStart=/bin/true\nExecStop=/bin/sleep 60\n" '
                      '> /run/systemd/system/slow.service; systemctl start slow')
    begun = time.monotonic()
    site.hypervisor.stop_server(machine.id, timeout=2)
    assert 2 <= time.monotonic() - begun < 15
    assert site.state(machine) == State.STOPPED


@pytest.mark.parametrize('hard', [False, True])
def test_reboot(site, machine, hard):
    before = site.leader(machine)
    site.hypervisor.reboot_server(machine, hard)
    assert site.leader(machine) != before
    site.await_up(machine)
    assert site.events == []


def test_resize_gives_other_bounds(site, machine):
    bigger = dataclasses.replace(machine, vcpus=2, ram_mb=768)
    site.hypervisor.resize_server(bigger)
    site.await_up(bigger)
    name = site.layout.machine_name(machine.id)
    found = [path for path in (f'/sys/fs/cgroup/memory/{site.layout.prefix}/{machine.id}/'
                               'memory.limit_in_bytes',
                               f'/sys/fs/cgroup/{site.layout.prefix}/{machine.id}/memory.max',
                               f'/sys/fs/cgroup/system.slice/{name}.scope/memory.max')
             if os.path.exists(path)]
    with open(found[0], encoding='ascii') as stream:
        assert int(stream.read()) == 768 * 1024 ** 2


def test_rebuild_gives_a_fresh_disk_and_keeps_the_volume(site, machine):
    site.run(machine, 'echo old > /root/note; mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; '
                      'echo data > /mnt/data; umount /mnt')
    fresh = dataclasses.replace(
        machine,
        user_data=b'#cloud-config\nwrite_files:\n- {path: /etc/from-user-data, content: anew}\n')
    site.hypervisor.rebuild_server(fresh)
    site.await_up(fresh)
    assert site.run(machine, 'cat /etc/from-user-data') == 'anew'
    assert 'No such file' in site.run(machine, 'cat /root/note', check_status=False)
    assert site.run(machine, 'mount /dev/vdb /mnt && cat /mnt/data') == 'data\n'
    assert eventually(lambda: pings(machine))


def test_powered_off_from_inside_is_reported(site, machine):
    site.run(machine, 'systemctl poweroff', check_status=False)
    assert eventually(lambda: bool(site.events))
    assert site.events[0][:2] == (machine.id, Event.STOPPED)
    assert site.state(machine) == State.STOPPED


def test_killed_is_reported_as_failed(site, machine):
    os.kill(site.leader(machine), signal.SIGKILL)
    assert eventually(lambda: bool(site.events))
    assert site.events[0][:2] == (machine.id, Event.FAILED)
    site.hypervisor.start_server(machine)
    site.await_up(machine)


def test_rebooted_from_inside_runs_again_with_all_its_disks(site, machine):
    second = site.volume(device='/dev/vdc')
    site.hypervisor.attach_volume(machine.id, second.volume_id, '/dev/vdc')
    before = site.leader(machine)
    site.run(machine, 'systemctl reboot', check_status=False)
    assert eventually(lambda: site.leader(machine) not in (before, None))
    site.await_up(machine)
    assert site.run(machine, 'ls /dev/vdb /dev/vdc').split() == ['/dev/vdb', '/dev/vdc']
    assert eventually(lambda: pings(machine))
    assert site.events == []


def test_a_new_minicloud_finds_running_machines(site, machine):
    leader = site.leader(machine)
    site.hypervisor.close()
    site.hypervisor = site.connect()
    assert site.state(machine) == State.RUNNING
    assert site.leader(machine) == leader
    os.kill(leader, signal.SIGKILL)
    assert eventually(lambda: bool(site.events))
    assert site.events[0][:2] == (machine.id, Event.FAILED)


def test_machines_outlive_a_killed_minicloud(site, machine, tmp_path):
    """The process that made the machine dies, with its session; the machine goes on."""
    other = dataclasses.replace(site.spec(), id='11111111-1111-4111-8111-111111111111')
    program = textwrap.dedent(f'''
        import os, signal
        from minicloud.machines.hypervisor import create
        from minicloud.hypervisor import ServerSpec
        create({{'directory': {str(tmp_path)!r}}}).create_server(ServerSpec(
            {other.id!r}, 'one', 'p', {str(site.image)!r}, 1, 512, 5))
        os.killpg(0, signal.SIGKILL)
    ''')
    done = subprocess.run([sys.executable, '-c', program], start_new_session=True, check=False,
                          env={**os.environ, 'PYTHONPATH': ':'.join(sys.path)}, timeout=60)
    layout = Layout.of(tmp_path)
    try:
        assert done.returncode == -signal.SIGKILL
        assert len(teardown.keepers(layout)) >= 1
        # A keeper that was not noted in time is found all the same.
        (layout.machine(other.id) / 'process.json').unlink()
        listing = subprocess.run(
            [sys.executable, '-m', 'minicloud.machines', '--directory', str(tmp_path), 'list'],
            env={**os.environ, 'PYTHONPATH': ':'.join(sys.path)}, check=True, text=True,
            capture_output=True).stdout
        assert other.id in listing and 'running' in listing
    finally:
        assert teardown.down(layout, timeout=5) == []
    assert teardown.down(layout) == []
    assert site.state(machine) == State.RUNNING, 'the neighbour was not touched'


def test_five_at_once(site):
    specs = [site.spec(site.port(EVERYTHING_OUT, PING), volumes=(site.volume(),))
             for _number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(site.hypervisor.create_server, specs))
    for spec in specs:
        site.await_up(spec)
        assert eventually(lambda spec=spec: pings(spec))
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda spec: site.hypervisor.delete_server(spec.id), specs))
    assert [site.state(spec) for spec in specs] == [State.MISSING] * 5


def test_delete_leaves_nothing(site):
    before = teardown.left(site.layout)
    spec = site.boot(site.port(EVERYTHING_OUT), volumes=(site.volume(),))
    assert len(teardown.left(site.layout)) > len(before)
    site.hypervisor.delete_server(spec.id)
    site.hypervisor.delete_server(spec.id)
    assert teardown.left(site.layout) == before
    assert not site.layout.machine(spec.id).exists()


def test_a_failed_create_leaves_nothing(site, tmp_path):
    before = teardown.left(site.layout)
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc/os-release').write_text('ID=empty\n')
    spec = dataclasses.replace(site.spec(site.port()), image_path=str(tmp_path))
    with pytest.raises(HypervisorError, match='did not start'):
        site.hypervisor.create_server(spec)
    with pytest.raises(HypervisorError, match='not a root file system'):
        site.hypervisor.create_server(dataclasses.replace(spec, image_path='/nowhere'))
    assert teardown.left(site.layout) == before
    assert site.state(spec) == State.MISSING
    assert not site.layout.machine(spec.id).exists()
