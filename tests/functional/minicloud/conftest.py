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

"""Cloud in the test's process, with OpenStack's clients connected to it."""

import openstack
import pytest
from novaclient import client as nova_client

from minicloud import inprocess
from minicloud.app import create_app
from minicloud.bootstrap import bootstrap
from minicloud.identity import TokenTable
from minicloud.state import State
from tests.functional.minicloud.recording_hypervisor import RecordingHypervisor

DOCUMENT = {
    'owner': 'service',
    'flavors': [{'id': '1', 'name': 'db.small', 'vcpus': 1, 'ram': 1024, 'disk': 5},
                {'id': '2', 'name': 'db.medium', 'vcpus': 2, 'ram': 2048, 'disk': 10}],
    'networks': [
        {'name': 'trove-mgmt', 'subnets': [{'name': 'mgmt', 'cidr': '172.24.0.0/24'}]},
        {'name': 'private', 'shared': True, 'bridge': 'trvp', 'subnets': [
            {'name': 'private', 'cidr': '172.24.1.0/24', 'dns_nameservers': ['172.24.1.1'],
             'allocation_pools': [{'start': '172.24.1.10', 'end': '172.24.1.200'}]}]},
        {'name': 'public', 'external': True, 'subnets': [
            {'name': 'public', 'cidr': '172.24.2.0/24'}]}],
    'routers': [{'name': 'main', 'external_network': 'public', 'subnets': ['private']}],
    'images': [{'name': 'mariadb', 'rootfs_path': '/images/mariadb', 'tags': ['trove', 'mariadb'],
                'min_ram': 512}],
    'volume_types': ['fast'],
    'quotas': {'compute': {'instances': 20}}}


class FakeTime:
    """Clock that advances only in ``sleep``."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Site:
    """One cloud with its hypervisor and clients of several users."""

    def __init__(self, path=None, synchronous=True, hypervisor=None, **settings):
        self.time = FakeTime()
        self.hypervisor = hypervisor or RecordingHypervisor()
        self.app = create_app(State(path), self.hypervisor, TokenTable(), clock=self.time,
                              synchronous=synchronous, sleep=self.time.sleep, **settings)
        bootstrap(self.app.cloud, DOCUMENT)
        self.faults = self.app.cloud.faults

    def session(self, project_id='demo', user_id='alice', roles=('member',)):
        return inprocess.session(self.app, project_id, user_id, roles)

    def nova(self, version='2.96', **who):
        return nova_client.Client(version, session=self.session(**who))

    def sdk(self, **who):
        return openstack.connection.Connection(
            session=self.session(**who), region_name='RegionOne',
            compute_api_version='2', block_storage_api_version='3',
            identity_api_version='3')

    def admin(self):
        return self.sdk(project_id='admin', user_id='root', roles=('admin',))

    def service(self):
        return self.sdk(project_id='service', user_id='trove', roles=('service',))

    def network(self, name):
        return self.admin().network.find_network(name, ignore_missing=False)

    def image_id(self):
        return next(iter(self.sdk().image.images(tag='mariadb'))).id


@pytest.fixture
def site():
    site = Site()
    yield site
    site.app.close()


@pytest.fixture
def manual_site():
    """Return a cloud that runs background jobs only in ``app.advance()``."""
    site = Site(synchronous=None)
    site.app.advance()
    yield site
    site.app.close()


@pytest.fixture
def make_site():
    made = []

    def make(**how):
        made.append(Site(**how))
        return made[-1]
    yield make
    for one in made:
        one.app.close()
