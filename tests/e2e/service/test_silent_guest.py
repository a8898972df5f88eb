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

"""A guest that never calls back: the create ends in ERROR, in time and with a reason, and can be
deleted.
"""

import shutil
import subprocess
import time

import pytest

from tests.e2e.service.running import report, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
AGENT_START_TIMEOUT = 20
VERSION = 'mute'
UNITS, AGENT = 'etc/systemd/system', 'trove-guestagent.service'


@pytest.fixture(scope='module')
def mute_version(service, holdings):
    """Datastore version with the sandbox's image, in which the agent does not start."""
    tree = service.settings.directory / 'images' / 'mute'
    source = (service.settings.image / 'rootfs').resolve()
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(['cp', '--archive', '--link', f'{source}/.', str(tree)], check=True)
    # Files are shared with the original, so that this one is not written to but replaced: a masked
    # unit.
    (tree / UNITS / AGENT).unlink()
    (tree / UNITS / AGENT).symlink_to('/dev/null')
    image = holdings.cloud.image.create_image(
        name='mute', disk_format='raw', container_format='bare', visibility='public',
        allow_duplicates=True, wait=False, min_disk=5, rootfs_path=str(tree))
    service.manage('datastore_version_update', 'mariadb', VERSION, 'mariadb', image.id, '', '1')
    yield VERSION
    service.manage('datastore_version_update', 'mariadb', VERSION, 'mariadb', image.id, '', '0')
    holdings.cloud.image.delete_image(image.id)
    shutil.rmtree(tree)
    assert (source / UNITS / AGENT).is_file(), 'the image of the sandbox was harmed'


def ended(service, instance_id: str) -> dict:
    """Return the create after all its steps were reverted."""
    def look() -> dict | None:
        operation = service.operation(instance_id, 'instance_create')
        return operation if operation['finished'] else None
    return wait_for('the create has ended', look, 60)


def test_a_guest_that_never_calls_back(service, holdings, mute_version):
    before, usage = holdings.settled(), service.usage()
    with service.taskmanager_with('DEFAULT', agent_start_timeout=AGENT_START_TIMEOUT):
        begun = time.monotonic()
        instance_id = service.create(unique('mute'), datastore={
            'type': 'mariadb',
            'version': mute_version
        })
        service.wait_step(instance_id, 'AgentSeen')
        assert service.show(instance_id)['status'] == 'BUILD'
        service.wait_status(instance_id, 'ERROR', AGENT_START_TIMEOUT + 40)
        report(f'a guest that never calls back: ERROR after {time.monotonic() - begun:.1f} s')
        assert time.monotonic() - begun >= AGENT_START_TIMEOUT
        operation = ended(service, instance_id)
        assert operation['state'] == 'failed'
        assert operation['error']['code'] == 'guest_silent'
        assert 'did not report in' in operation['error']['message']
        fault = service.show(instance_id)['fault']
        assert 'did not report in' in fault['message']
        # Its resources are gone already; the row stays until the user deletes it.
        assert {text for text in holdings.all() - before if ' charged' not in text} == set()
        service.delete(instance_id)
        service.wait_gone(instance_id)
    holdings.assert_as_before(before)
    assert service.usage() == usage
