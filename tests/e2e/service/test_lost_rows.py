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

"""Instance that the service has lost: the operator finds and deletes its resources and corrects the
quota.
"""

import pytest

from tests.e2e.service.running import new_password, log_line, unique

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]

#: All that an instance with a public address, a group of servers and published logs has outside of
#: the database.
KINDS = [
    'server', 'port', 'port', 'floating IP', 'volume', 'security group', 'server group', 'broker',
    'objects'
]


@pytest.fixture
def lost(service):
    """An instance of which the service knows nothing any more."""
    made = service.create(unique('lost'), locality='affinity', access={'is_public': True}, users=[
        {'name': 'app', 'password': new_password(), 'databases': []}])
    service.wait_active(made)
    service.openstack('database', 'log', 'set', made, 'error', '--publish', user='admin')
    service.lose(made)
    return made


def orphans_of(service, instance_id, *options):
    """The first column of the report, for one instance."""
    output = service.managed('orphans', *options)
    log_line(output)
    return [line for line in output.splitlines() if instance_id in line]


def test_what_is_left_of_it_is_found_and_deleted(service, holdings, lost):
    before = holdings.all()
    found = orphans_of(service, lost)
    assert [line.partition('  ')[0].strip() for line in found] == KINDS
    assert holdings.all() == before, 'a report deletes nothing'
    assert f'{len(KINDS)} were deleted.' in service.managed('orphans', '--delete')
    assert orphans_of(service, lost) == [] and service.stored_logs(lost) == []
    left = {thing for thing in holdings.all() if lost in thing}
    assert left == set()
    # Its row was lost, so nothing gave back what it was charged.
    with_it = service.usage()
    assert 'were corrected' in service.managed('quota_recount')
    assert service.usage()['instances'] == with_it['instances'] - 1
