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

"""Scheme and host of links: those by which the client has reached the service."""

import pytest
import webob

from tests.functional.api import worlds


@pytest.fixture
def direct(edge):
    """Return an edge without a configured public endpoint, with three instances."""
    edge.conf.set_override('public_endpoint', None)
    worlds.a_few(edge)
    return edge


def hrefs(edge, **headers):
    """Return the links of a page: next, and self of its first instance."""
    body = edge.ask('GET', '/instances?limit=1', **headers).json
    return body['links'][0]['href'], body['instances'][0]['links'][0]['href']


def test_links_have_the_scheme_and_host_of_the_request(direct):
    for href in hrefs(direct, Host='db.example.org:8000'):
        assert href.startswith('http://db.example.org:8000/v1.0/')


def test_links_follow_the_headers_of_a_proxy_that_is_trusted(direct):
    forwarded = {'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'cloud.example.org'}
    for href in hrefs(direct, **forwarded):
        assert href.startswith('http://')
    direct.conf.set_override('enable_proxy_headers_parsing', True, 'oslo_middleware')
    for href in hrefs(direct, **forwarded):
        assert href.startswith('https://cloud.example.org/v1.0/')


def test_links_have_the_public_endpoint_if_there_is_one(direct):
    direct.conf.set_override('public_endpoint', 'https://cloud.example.org/database/')
    for href in hrefs(direct):
        assert href.startswith('https://cloud.example.org/database/v1.0/')


def test_the_version_document_has_the_same_base(direct):
    request = webob.Request.blank('/v1.0/', headers={'Host': 'db.example.org'})
    document = request.get_response(direct.application).json
    assert document['version']['links'][0]['href'] == 'http://db.example.org/v1.0/'
