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

"""Migration of servers between the hosts of this cloud, stopped and running."""

import pytest
from novaclient import exceptions

from tests.functional.minicloud.test_servers import _create


def test_migrate_is_for_admins(site):
    nova = site.nova()
    server = _create(site, nova)
    with pytest.raises(exceptions.Forbidden):
        server.migrate()
    admin = site.nova(project_id='admin', roles=('admin',))
    admin.servers.get(server.id).migrate()
    assert nova.servers.get(server.id).status == 'VERIFY_RESIZE'


def test_migrate_to_another_host_and_back(site):
    server = _create(site, site.nova())
    nova = site.nova(project_id='admin', roles=('admin',))

    def host():
        return getattr(nova.servers.get(server.id), 'OS-EXT-SRV-ATTR:host')

    key = nova.servers.get(server.id).hostId
    for requested in ('minicloud', 'nowhere'):
        with pytest.raises(exceptions.BadRequest):
            nova.servers.migrate(server.id, host=requested)
    nova.servers.migrate(server.id, host='minicloud-2')
    assert host() == 'minicloud-2' and nova.servers.get(server.id).hostId != key
    nova.servers.revert_resize(server.id)
    assert host() == 'minicloud' and nova.servers.get(server.id).hostId == key
    nova.servers.migrate(server.id)
    nova.servers.confirm_resize(server.id)
    assert host() == 'minicloud-2'
    assert [shown.hypervisor_hostname
            for shown in nova.hypervisors.list()] == ['minicloud', 'minicloud-2']
    assert nova.hypervisors.list()[0].id != nova.hypervisors.list()[1].id


@pytest.mark.parametrize('version', ['2.24', '2.25', '2.57', '2.68'])
def test_live_migration_in_the_schema_of_each_microversion(site, version):
    server = _create(site, site.nova())
    boots = len(site.hypervisor.methods())
    nova = site.nova(version, project_id='admin', roles=('admin',))
    form = (False, False) if version == '2.24' else ('auto',)
    nova.servers.live_migrate(server.id, None, *form)
    shown = nova.servers.get(server.id)
    assert (shown.status, getattr(shown, 'OS-EXT-SRV-ATTR:host')) == ('ACTIVE', 'minicloud-2')
    nova.servers.live_migrate(server.id, 'minicloud', *form)
    nova.servers.live_migrate(server.id, 'minicloud', *form)
    assert getattr(nova.servers.get(server.id),
                   'OS-EXT-SRV-ATTR:host') == 'minicloud', 'where it is, it stays'
    assert len(site.hypervisor.methods()) == boots, 'the machine runs on'
    with pytest.raises(exceptions.BadRequest):
        nova.servers.live_migrate(server.id, 'nowhere', *form)
    with pytest.raises(exceptions.Forbidden):
        site.nova(version).servers.live_migrate(server.id, None, *form)


def test_live_migration_shows_itself_and_takes_one_at_a_time(manual_site):
    server = _create(manual_site, manual_site.nova())
    manual_site.app.advance()
    nova = manual_site.nova(project_id='admin', roles=('admin',))
    nova.servers.live_migrate(server.id, None, 'auto')
    assert nova.servers.get(server.id).status == 'MIGRATING'
    with pytest.raises(exceptions.Conflict):
        nova.servers.reboot(server.id)
    manual_site.app.advance()
    assert nova.servers.get(server.id).status == 'ACTIVE'
