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
"""Command lines and start scripts of machines."""

import pathlib
import shlex

from minicloud.machines import nspawn
from minicloud.machines.records import Disk

BOOT = nspawn.Boot(
    'id1', 'trv1234-id1', 'db1', pathlib.Path('/site/it is/id1'),
    pathlib.Path('/run/netns/trv1234-id1'),
    (('/dev/loop7', Disk('v1', '/dev/vdb', 'v1')), ('/dev/loop9', Disk('v2', '/dev/vdc', 'v2'))),
    (pathlib.Path('/sys/fs/cgroup/memory/trv1234/id1'),))


def test_the_machine_has_its_namespace_disks_and_no_registration():
    argv = nspawn.nspawn_arguments(BOOT)
    assert argv[:4] == ['nsenter', '--net=/run/netns/trv1234-id1', '--', 'systemd-nspawn']
    for word in ('--boot', '--register=no', '--keep-unit', '--machine=trv1234-id1',
                 '--directory=/site/it is/id1/root', '--uuid=id1', '--hostname=db1',
                 '--network-namespace-path=/run/netns/trv1234-id1',
                 '--bind=/dev/loop7:/dev/vdb', '--bind=/dev/loop9:/dev/vdc',
                 '--bind-ro=/site/it is/id1/disk:/dev/disk'):
        assert word in argv


def test_the_start_script_joins_the_groups_first_and_quotes():
    lines = nspawn.start_script(BOOT).splitlines()
    assert lines[1] == 'echo 0 > /sys/fs/cgroup/memory/trv1234/id1/cgroup.procs || exit 1'
    assert lines[-1].startswith('exec nsenter ')
    assert shlex.split(lines[-1])[1:] == nspawn.nspawn_arguments(BOOT)


def test_the_keeper_is_found_by_the_machines_name():
    argv = nspawn.keeper_arguments(BOOT)
    assert argv[0] == '/bin/sh' and 'minicloud-machine' in argv
    assert argv[-1] == '--machine=trv1234-id1'


def test_a_scope_bounds_the_machine_where_systemd_runs():
    argv = nspawn.scope_arguments(BOOT, 2, 768)
    assert '--property=MemoryMax=768M' in argv and '--property=CPUQuota=200%' in argv
    assert '--unit=trv1234-id1' in argv and argv[-1] == '--'
