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

"""URLs of accounts, and temporary URLs in them."""

import hashlib
import hmac
import urllib.parse

import pytest

from trove.cloud.objects import Objects, account_url
from trove.common import exception

KEY = b'0123456789abcdef0123456789abcdef'


@pytest.mark.parametrize(
    'endpoint', ['http://swift.example/v1/AUTH_mine', 'http://swift.example/v1/AUTH_mine/'])
def test_the_account_of_another_project(endpoint):
    assert account_url(endpoint, 'mine', 'theirs') == 'http://swift.example/v1/AUTH_theirs'


def test_a_url_without_a_project_is_refused():
    with pytest.raises(exception.CloudError) as caught:
        account_url('http://swift.example/v1/', 'mine', 'theirs')
    assert 'swift.example' in caught.value.detail and not caught.value.retriable


def test_a_temporary_url_has_the_signature_that_swift_expects():
    objects = Objects(None, 'http://swift.example/v1/AUTH_p', clock=lambda: 1000.7)
    url, query = objects.temporary_url('logs', 'a b/ä/', KEY, method='PUT', seconds=60, prefix=True)
    assert url == 'http://swift.example/v1/AUTH_p/logs/a%20b/%C3%A4/'
    found = dict(urllib.parse.parse_qsl(query))
    assert found['temp_url_expires'] == '1060' and found['temp_url_prefix'] == 'a b/ä/'
    key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'
    text = 'PUT\n1060\nprefix:/v1/AUTH_p/logs/a b/ä/'
    assert found['temp_url_sig'] == hmac.new(key.encode(), text.encode(),
                                             hashlib.sha256).hexdigest()
    assert key not in url + query


def test_a_url_for_one_object_contains_its_full_name():
    objects = Objects(None, 'http://swift.example/v1/AUTH_p', clock=lambda: 1000.0)
    _, query = objects.temporary_url('logs', 'a', KEY, method='GET', seconds=60)
    assert 'prefix' not in query
