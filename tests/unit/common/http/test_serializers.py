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

"""Which form an answer has, and how a body is read."""

import pytest

from trove.common.http import serializers


@pytest.mark.parametrize('accept', [
    '', '*/*', 'application/json', 'application/vnd.openstack.trove+json;version=1.0',
    'text/html, application/json;q=0.5', 'application/json;q=broken', 'nonsense',
    'application/json;q=0'
])
def test_json_is_the_answer(accept):
    assert serializers.by_accept(accept) is serializers.JSON


@pytest.fixture
def other():
    form = serializers.Format('other', 'application/other', ('application/other',),
                              lambda body: b'',
                              lambda data: {})
    serializers.FORMATS.append(form)
    yield form
    serializers.FORMATS.remove(form)


def test_the_better_quality_wins(other):
    assert serializers.by_accept('application/json;q=0.5, application/other') is other
    assert serializers.by_accept('application/json, application/other') is serializers.JSON
    assert serializers.by_suffix('other') is other


@pytest.mark.parametrize(
    'content_type', ['application/json', 'application/json; charset=utf-8', 'Application/JSON'])
def test_bodies_by_content_type(content_type):
    assert serializers.by_content_type(content_type) is serializers.JSON


def test_unknown_content_types():
    assert serializers.by_content_type('text/plain') is None


@pytest.mark.parametrize('data', [
    b'', b'{', b'[1]', b'5', b'"a"', b'null', b'\xff\xfe', b'{"a": "\\ud800"}', b'{"a": "\\u0000"}',
    b'{"\\u0000": 1}', b'{"a": [{"b": "\\u0000"}]}', '{"a": "\\u0000"}'.encode('utf-16'),
    '{"a": 1}'.encode('utf-32'), b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'[' * 100000
])
def test_bodies_that_cannot_be_read(data):
    with pytest.raises(ValueError) as refused:
        serializers.JSON.load(data)
    assert str(refused.value).endswith('.')


def test_there_and_back():
    body = {'a': ['ü', 1, 2.5, None, True, '\\u0000']}
    assert serializers.JSON.load(serializers.JSON.dump(body)) == body
