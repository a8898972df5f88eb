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
"""Browsers: pages of other origins are answered where an operator allows it; nothing is different
elsewhere.
"""

import pathlib

import webob

from tests.functional.api import tokens
from trove.common.http import deploy

ORIGIN = 'https://dashboard.example.net'
PATH = f'/v1.0/{tokens.DEMO}/flavors'


def ask(application, method, **headers):
    request = webob.Request.blank(PATH, method=method)
    request.headers.update({'X-Auth-Token': 'demo', **headers})
    return request.get_response(application)


def words(text):
    return set(text.split(','))


def test_without_an_origin_options_is_a_method_nobody_has(edge):
    for headers in ({}, {'Origin': ORIGIN, 'Access-Control-Request-Method': 'GET'}):
        response = ask(edge.application, 'OPTIONS', **headers)
        assert response.status_int == 404 and response.json['itemNotFound']
        assert not [name for name in response.headers if name.startswith('Access-Control')]
        assert 'Allow' not in response.headers


def test_with_an_origin_its_pages_may_ask(edge):
    file = pathlib.Path(edge.conf.api_paste_config)
    file.write_text(file.read_text().replace(
        'oslo_config_project = trove', f'oslo_config_project = trove\nallowed_origin = {ORIGIN}'))
    application = deploy.application()
    response = ask(
        application, 'OPTIONS', **{
            'Origin': ORIGIN,
            'Access-Control-Request-Method': 'PATCH',
            'X-Auth-Token': ''
        })
    assert response.status_int == 200
    assert response.headers['Access-Control-Allow-Origin'] == ORIGIN
    assert words(response.headers['Access-Control-Allow-Methods']) == {'PATCH'}
    response = ask(application, 'GET', Origin=ORIGIN)
    assert response.status_int == 200 and response.json['flavors']
    assert response.headers['Access-Control-Allow-Origin'] == ORIGIN
    assert words(response.headers['Access-Control-Expose-Headers']) == {
        'X-Auth-Token', 'X-Subject-Token', 'X-Service-Token', 'X-OpenStack-Request-ID'}
    assert 'Access-Control-Allow-Origin' not in ask(application, 'GET',
                                                    Origin='https://elsewhere.example.net').headers
