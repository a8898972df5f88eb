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

"""The agent's way with a volume that has grown, in a machine: online where it may, else unmounted.
"""

import base64
import io
import pathlib
import tarfile

import pytest

from .conftest import EVERYTHING_OUT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = pathlib.Path(__file__).parents[3]
#: Steps of the agent that grow its volume, without the engine.
GROW = '''
import sys
from trove.guestagent.system import mount, process
device, point = "/dev/vdc", "/srv/c"
mount.wait_for_size(device, 2, wait=10)
volume = mount.Volume(device, mount.FileSystemOptions())
try:
    volume.grow_mounted(point, 60)
    print("online")
except process.ProcessFailed as refused:
    assert refused.status == 1, refused
    mount.unmount(point)
    volume.grow_unmounted(60)
    volume.mount(point, volume.ensure_file_system(new_volume=False))
    print("offline")
print(mount.volume_use(point).total)
'''


def code() -> str:
    """The part of this checkout that runs in the machine, as a tar in base64."""
    packed, modules = io.BytesIO(), sorted((ROOT / 'trove/guestagent/system').glob('*.py'))
    with tarfile.open(fileobj=packed, mode='w:gz') as archive:
        for path in ('trove/__init__.py', 'trove/guestagent/__init__.py',
                     *(str(module.relative_to(ROOT)) for module in modules)):
            archive.add(ROOT / path, arcname=path)
    return base64.b64encode(packed.getvalue()).decode()


def test_a_volume_that_has_grown_is_filled_by_its_file_system(site):
    machine = site.boot(site.port(EVERYTHING_OUT))
    volume = site.volume(device='/dev/vdc')
    try:
        site.hypervisor.attach_volume(machine.id, volume.volume_id, volume.device)
        site.run(machine, 'mkfs.ext4 -q -m 1 /dev/vdc && mkdir -p /srv/c && mount /dev/vdc /srv/c '
                          '&& echo data > /srv/c/data && sync')
        site.hypervisor.extend_volume(volume.volume_id, 2)
        site.run(machine,
                 f'mkdir -p /root/agent && echo {code()} | base64 -d | tar xz -C /root/agent')
        printed = site.run(machine,
                           f"cd /root/agent && PYTHONPATH=/root/agent python3 -c '{GROW}'").split()
        assert printed[0] in ('online', 'offline')
        assert int(printed[1]) > 1.8 * 1024 ** 3
        assert site.run(machine, 'cat /srv/c/data; findmnt -no SOURCE /srv/c') == 'data\n/dev/vdc\n'
    finally:
        site.hypervisor.delete_server(machine.id)
        site.hypervisor.delete_volume(volume.volume_id)
