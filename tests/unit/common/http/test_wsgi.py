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

"""The machinery around the application, with applications that are a function."""

import io
import json
import logging

import pytest
import webob
import webob.exc

from trove.common import exception
from trove.common.http import faults, serializers
from trove.common.http.fault_wrapper import FaultWrapper
from trove.common.http.request import MAX_BODY, Request
from trove.common.http.response import Response, written
from trove.common.http.urlmap import UrlMap
from trove.versions import VersionsApplication


def ask(application, path='/', **headers):
    request = webob.Request.blank(path)
    request.headers.update(headers)
    return request.get_response(application)


def application(name):
    def called(environ, start_response):
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [f'{name} {environ["SCRIPT_NAME"]}|{environ["PATH_INFO"]}'.encode()]
    return called


def raising(error):
    def called(_environ, _start_response):
        raise error
    return FaultWrapper(called)


@pytest.fixture
def urls():
    return UrlMap({
        '/': application('root'),
        '/v1.0': application('api'),
        '/healthcheck': application('health')
    })


@pytest.mark.parametrize('path, answer', [('/', 'root |/'), ('/v1.0', 'root |/v1.0'),
                                          ('/v1.0/', 'root |/v1.0/'), ('/v1.0//', 'root |/v1.0/'),
                                          ('/v1.0/p', 'api /v1.0|/p'),
                                          ('/v1.0//p///x', 'api /v1.0|/p/x'),
                                          ('/v1.00/p', 'root |/v1.00/p'), ('/v2/p', 'root |/v2/p'),
                                          ('/healthcheck', 'health /healthcheck|'),
                                          ('/healthchecks', 'root |/healthchecks')])
def test_the_first_fork(urls, path, answer):
    assert ask(urls, path).text == answer


def test_the_version_in_accept(urls):
    expected = 'application/vnd.openstack.trove+json;version=1.0'
    assert ask(urls, '/p/x', Accept=expected).text == 'api /v1.0|/p/x'
    assert ask(urls, '/p/x',
               Accept='application/vnd.openstack.trove; version=1.0').text == 'api /v1.0|/p/x'
    assert ask(urls, '/v1.0/p', Accept=expected.replace('1.0', '9')).text == 'api /v1.0|/p'
    refused = ask(UrlMap({'/': VersionsApplication()}), '/p/x',
                  Accept=expected.replace('1.0', '9'))
    assert refused.json == {'notAcceptable': {'code': 406, 'message': 'version not supported'}}


def test_every_coded_failure_has_a_fault_name():
    classes = [exception.TroveError]
    for cls in classes:
        classes.extend(cls.__subclasses__())
    for cls in classes:
        assert cls.http_status in faults.NAMES, cls


def test_a_failure_becomes_a_fault():
    answer = ask(raising(exception.NotFound('Resource x cannot be found.')))
    assert answer.status_int == 404
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.json == {'itemNotFound': {'code': 404, 'message': 'Resource x cannot be found.'}}


def test_detail_is_for_the_log_only(caplog):
    with caplog.at_level(logging.WARNING):
        answer = ask(
            raising(exception.CloudError('Cinder is away.', detail='connect to 10.0.0.5 failed')))
    assert answer.json == {'serviceUnavailable': {'code': 503, 'message': 'Cinder is away.'}}
    assert '10.0.0.5' in caplog.text


def test_the_unforeseen_becomes_a_reference(caplog):
    answer = ask(raising(KeyError('secret-key')))
    assert answer.status_int == 500
    fault = answer.json['instanceFault']
    assert fault['code'] == 500
    assert 'secret-key' not in answer.text
    assert fault['message'].rstrip('.').split()[-1] in caplog.text


def test_a_page_for_people_becomes_a_fault():
    answer = ask(FaultWrapper(
        webob.exc.HTTPServiceUnavailable('The Keystone service is away')))
    assert answer.status_int == 503
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.json['serviceUnavailable']['code'] == 503


def test_answers_of_others_pass():
    body = {'error': {'code': 401, 'title': 'Unauthorized', 'message': 'no'}}
    refused = webob.Response(status=401, json_body=body,
                             headers={'WWW-Authenticate': 'Keystone uri="k"'})
    answer = ask(FaultWrapper(refused))
    assert (answer.status_int, answer.json,
            answer.headers['WWW-Authenticate']) == (401, body, 'Keystone uri="k"')


def test_errors_of_libraries_have_the_accepted_format():
    body = {'error': {'code': 401, 'title': 'Unauthorized', 'message': 'no'}}
    refused = webob.Response(status=401, json_body=body)
    refused.headers['WWW-Authenticate'] = 'Keystone uri="k"'
    for path, accept in (('/', 'application/xml'), ('/p/instances.xml', '*/*')):
        answer = ask(FaultWrapper(refused), path, Accept=accept)
        assert answer.status_int == 401
        assert answer.headers['Content-Type'] == 'application/xml'
        assert answer.headers['WWW-Authenticate'] == 'Keystone uri="k"'
        assert ('<error xmlns="http://docs.openstack.org/database/api/v1.0" code="401">'
                in answer.text)
        assert '<message>no</message>' in answer.text


def test_an_error_that_only_pretends_to_be_json_becomes_a_fault():
    refused = webob.Response(status=503, body=b'<html>', content_type='application/json')
    answer = ask(FaultWrapper(refused), Accept='application/xml')
    assert answer.status_int == 503
    assert answer.text.splitlines()[1] == '<serviceUnavailable code="503">'


@pytest.mark.parametrize('given', [Response(202), Response(204)])
def test_an_empty_answer_has_a_content_type(given):
    answer = ask(written(serializers.JSON, given))
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.headers['Content-Length'] == '0'
    assert answer.body == b''


def test_a_body_without_content_type_is_json():
    request = Request.blank('/', method='POST', body=json.dumps({'a': 1}).encode())
    request.headers.pop('Content-Type', None)
    assert request.json_body() == {'a': 1}


def test_bodies_that_are_refused():
    text = Request.blank('/', method='POST', body=b'a=1', content_type='text/plain')
    with pytest.raises(exception.UnsupportedMediaType):
        text.json_body()
    with pytest.raises(exception.BadRequest):
        Request.blank('/', method='POST').json_body()
    assert Request.blank('/', method='POST').json_body(required=False) == {}
    huge = Request.blank('/', method='POST', body=b'{}')
    huge.content_length = MAX_BODY + 1
    with pytest.raises(exception.OverLimit):
        huge.json_body()


@pytest.mark.parametrize('size, is_refused', [(MAX_BODY + 1, True), (1000, False)])
def test_the_limit_holds_for_bodies_of_unknown_length(size, is_refused):
    body = b'{"a": "' + b'x' * (size - 9) + b'"}'
    request = Request.blank('/', method='POST')
    request.environ.update({'wsgi.input': io.BytesIO(body), 'wsgi.input_terminated': True})
    request.content_length = None
    request.headers['Content-Type'] = 'application/json'
    if is_refused:
        with pytest.raises(exception.OverLimit):
            request.json_body()
    else:
        assert len(request.json_body()['a']) == size - 9


def test_a_body_that_ends_too_early():
    request = Request.blank('/', method='POST', body=b'{"a": 1')
    request.content_length = 500
    request.is_body_seekable = False
    with pytest.raises(exception.BadRequest, match='ended before it was whole'):
        request.json_body()


def test_a_length_that_is_no_number():
    request = Request.blank('/', method='POST')
    request.environ['CONTENT_LENGTH'] = 'many'
    with pytest.raises(exception.BadRequest):
        request.json_body()
