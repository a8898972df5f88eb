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

"""Every exception that a client may raise is translated."""

from keystoneauth1 import exceptions as keystone_errors
from novaclient import exceptions as nova_errors
from openstack import exceptions as sdk_errors
import pytest
import requests

from trove.cloud import errors
from trove.common import exception


def sdk_error(status: int, words: str = 'no') -> Exception:
    response = requests.Response()
    response.status_code = status
    response.headers['Content-Type'] = 'application/json'
    response._content = b'{"error": {"message": "%s"}}' % words.encode()
    response.request = requests.Request('GET', 'http://neutron/v2.0/ports').prepare()
    response.url = response.request.url
    with pytest.raises(sdk_errors.SDKException) as caught:
        sdk_errors.raise_from_response(response)
    return caught.value


def nova_error(status: int, words: str = 'no') -> Exception:
    response = requests.Response()
    response.status_code = status
    return nova_errors.from_response(response, {'error': {'message': words}}, 'http://nova/servers')


def raised(error: Exception, **options: object) -> exception.CloudError:
    with pytest.raises(exception.CloudError) as caught:
        with errors.translated('compute', 'make the server', **options):
            raise error
    return caught.value


@pytest.mark.parametrize('make', [sdk_error, nova_error])
@pytest.mark.parametrize(('status', 'retriable'), [(400, False), (401, True), (403, False),
                                                   (405, False), (409, True), (429, True),
                                                   (500, True), (501, False), (502, True),
                                                   (503, True), (504, True)])
def test_a_refusal_is_retriable_when_the_next_response_may_differ(make, status, retriable):
    found = raised(make(status))
    assert type(found) is exception.CloudError
    assert found.retriable is retriable


@pytest.mark.parametrize('make', [sdk_error, nova_error])
def test_a_missing_resource_is_not_found(make):
    assert isinstance(raised(make(404)), exception.CloudNotFound)


@pytest.mark.parametrize('error', [
    nova_error(403, 'Quota exceeded for cores: Requested 2, but already used 20 of 20 cores'),
    nova_error(413, 'Over limit'),
    sdk_error(409, "Quota exceeded for resources: ['port']."),
    sdk_error(413,
              'VolumeSizeExceedsAvailableQuota: Requested volume exceeds allowed gigabytes quota.')
])
def test_an_exhausted_quota_of_each_service_is_recognised(error):
    found = raised(error)
    assert isinstance(found, exception.CloudQuotaExceeded)
    assert not found.retriable


@pytest.mark.parametrize('error', [
    keystone_errors.ConnectFailure('refused'),
    keystone_errors.ConnectTimeout('slow'),
    keystone_errors.UnknownConnectionError('broken', OSError()),
    keystone_errors.DiscoveryFailure('no versions'),
    requests.exceptions.ChunkedEncodingError('cut off'),
    requests.ReadTimeout('slow'),
    sdk_errors.ServiceDiscoveryException('away'),
    ConnectionResetError('reset')
])
def test_a_missing_response_may_mean_done_and_is_retriable(error):
    assert raised(error).retriable


@pytest.mark.parametrize('error', [
    keystone_errors.EndpointNotFound('none'), keystone_errors.MissingAuthPlugin('none'),
    sdk_errors.ConfigException('wrong'), nova_errors.UnsupportedVersion('old'),
    keystone_errors.SSLError('self signed')])
def test_a_failure_that_requires_the_operator_is_not_retriable(error):
    assert not raised(error).retriable


def test_a_status_may_mean_not_now_for_one_call():
    assert not raised(sdk_error(400)).retriable
    assert raised(sdk_error(400), also_retriable=frozenset({400})).retriable


def test_the_message_names_the_request_and_the_detail_quotes_the_response():
    found = raised(sdk_error(500, 'traceback of the host comp-17'))
    assert 'make the server' in found.message
    assert 'comp-17' not in found.message
    assert 'comp-17' in found.detail


def test_our_own_failures_and_foreign_ones_pass_unchanged():
    ours = exception.CloudNotFound('it is gone')
    assert raised(ours) is ours
    with pytest.raises(ZeroDivisionError), errors.translated('compute', 'count'):
        raise ZeroDivisionError
