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

"""The real Swift of the sandbox does what the stand-in of the functional tests does."""

import urllib.error
import urllib.request
import uuid

import pytest
from control import rest
from oslo_config import cfg

from tests.functional.object_store_behaviour import BEHAVIOURS
from trove.cloud import clouds
from trove.common import cfg as options

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope='module')
def objects(service):
    """The account of the project demo, with the credentials of the service."""
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf([], project='trove',
         default_config_files=[str(service.settings.etc / 'trove' / 'trove.conf')])
    return clouds.service_cloud(conf).objects(service.project_id)


@pytest.fixture
def container(objects):
    """A name nobody has; gone with everything in it when the test is over."""
    name = f'e2e-{uuid.uuid4().hex[:8]}'
    yield name
    objects.delete_all(name, '')
    objects.delete_container(name)


def put(url, content, headers):
    """As a guest's machine does it; the status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, content, headers, method='PUT'),
                         timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize('behaviour', BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_behaviour(objects, container, behaviour):
    behaviour(objects, container, put)


def test_a_tenant_does_not_open_the_account_of_another_project(service, objects):
    token = {'X-Auth-Token': service.openstack('token', 'issue')['id']}
    assert rest.request('GET', f'{objects.url}?format=json', headers=token)[0] is not None
    others = objects.url.replace(service.project_id, '0' * 32)
    with pytest.raises(rest.RestError) as caught:
        rest.request('GET', f'{others}?format=json', headers=token)
    assert caught.value.status == 403
