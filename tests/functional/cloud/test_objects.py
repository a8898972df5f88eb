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

"""The object store client: minicloud behaves as Swift does in tests/e2e, and the account is the
right one.
"""

import pytest

from tests.functional.object_store_behaviour import BEHAVIOURS
from trove.cloud import objects as object_store
from trove.common import exception


@pytest.mark.parametrize('behaviour', BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_behaviour(cloud, minicloud, behaviour):
    behaviour(cloud.objects('demo'), 'things', minicloud.objects.put)


def test_the_service_reaches_every_account_and_a_tenant_its_own(cloud, tenants_cloud, minicloud):
    cloud.objects('demo').ensure_container('things')
    cloud.objects('other').ensure_container('things')
    assert set(minicloud.objects.accounts) == {'demo', 'other'}
    tenants_cloud.objects('demo').check()
    with pytest.raises(exception.CloudRefused):
        tenants_cloud.objects('other').check()


def test_an_account_that_was_never_used_is_accepted(tenants_cloud):
    tenants_cloud.objects('demo').check()


def test_a_long_list_is_read_page_by_page(cloud, monkeypatch, minicloud):
    monkeypatch.setattr(object_store, '_PAGE', 3)
    store = cloud.objects('demo')
    store.ensure_container('things')
    for number in range(7):
        store.put('things', f'{number}', b'')
    assert [found.name for found in store.list('things')] == list('0123456')


def test_a_fixed_url(cloud, conf, minicloud):
    conf.set_override('swift_url', 'http://minicloud.test/object/v1/AUTH_')
    cloud.objects('demo').ensure_container('things')
    assert 'things' in minicloud.objects.accounts['demo']


def test_a_missing_response_is_retriable(cloud, minicloud):
    minicloud.faults.request('object', 'PUT', 'things', mode='before')
    with pytest.raises(exception.CloudError) as caught:
        cloud.objects('demo').ensure_container('things')
    assert caught.value.retriable
