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

"""Arbitrary requests to every route: the contract's refusals, and no change of any state."""

import functools
import json
import re
from xml.sax import saxutils

import pytest
import webob
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.api import places, tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common.http import deploy, faults
from trove.common.api import ROUTES
from trove.db import session, tables

#: Requests for each route and each form of a body.
EXAMPLES = 10


def bounded(examples):
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large
        ])


def keys_of(schema):
    """Every key that a body of a schema may have, however deep."""
    found = set(schema.get('properties', {}))
    inner = [
        *schema.get('properties', {}).values(), *schema.get('anyOf', ()), *schema.get('allOf', ())
    ]
    for part in [*inner, *([schema['items']] if 'items' in schema else [])]:
        found |= keys_of(part)
    return found


_SCALARS = (st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
            | st.sampled_from([
                '10', '1', 1, 0, WORDS['orders'], WORDS['nobody'], 'shop', 'app', '%', 'mariadb', ''
            ]))


def bodies_in_json(words):
    """Values made of the words of a route and of others, below one of its keys or on their own."""
    names = st.sampled_from(words) | st.text(max_size=6)
    values = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3)
                          | st.dictionaries(names, inner, max_size=4), max_leaves=12)
    inside = st.dictionaries(st.sampled_from(words), values, max_size=4)
    wrapped = st.dictionaries(st.sampled_from(words), inside | values, min_size=1, max_size=2)
    return st.one_of(wrapped, wrapped, values).map(json.dumps).map(str.encode)


_TEXTS = st.text(max_size=10).map(saxutils.escape) | st.sampled_from(
    ['', '1', 'None', 'True', '&b;', '<![CDATA[x]]>', WORDS['orders'], '10'])
_PROLOGUES = st.sampled_from(
    ['', '<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE a [<!ENTITY b "x">]>'])


def bodies_in_xml(words):
    names = st.sampled_from([*words, 'item', 'user', 'database', 'nic', 'link']) | st.text(
        'aZ_.:-9ü', max_size=4)
    attributes = st.lists(
        st.builds(lambda name, text: f'{name}={saxutils.quoteattr(text)}', names, _TEXTS),
        max_size=3)

    def element(name, attributes_, children):
        return f'<{name} {" ".join(attributes_)}>{"".join(children)}</{name}>'

    inner = st.recursive(
        _TEXTS, lambda deeper: st.builds(element, names, attributes, st.lists(deeper, max_size=3)),
        max_leaves=8)
    roots = st.builds(element, st.sampled_from(words), attributes, st.lists(inner, max_size=3))
    return st.builds(lambda start, text: (start + text).encode('utf-8', 'surrogatepass'),
                     _PROLOGUES, roots | inner)


FORMS = {'application/json': bodies_in_json, 'application/xml': bodies_in_xml}


def labelled(content_type, data):
    return content_type, data


_NOISE = st.tuples(st.sampled_from(['application/json', 'application/xml', 'text/plain', '', 'x']),
                   st.binary(max_size=40))

_SEGMENTS = st.sampled_from([WORDS['nobody'], WORDS['orders'][:-1], 'x.xml', '%00', '%ff', '%2f',
                             '..', ';', '%25zz']) \
    | st.text('aZ0.-_~%@', min_size=1, max_size=12)
_QUERIES = st.sampled_from([
    '', 'limit=', 'limit=%ff', 'marker=%ff&limit=1', 'limit=1&marker=%2525zz', '%00=%00', '&&=',
    'include_clustered=%F0'
]) | st.text('limt=&%0129', max_size=12)
_ACCEPTS = st.sampled_from([
    '', '*/*', 'application/xml', 'application/json;q=x', 'application/xml;q=inf',
    'application/vnd.openstack.trove+xml;version=1.0', ',;=,'
])


def rows():
    """Everything in the database."""
    with session.reader() as connection:
        return {
            table.name: connection.execute(table.select()).all()
            for table in tables.metadata.sorted_tables
        }


def ask(application, method, path, content_type, data, accept, token='demo'):
    request = webob.Request.blank(path, method=method, body=data)
    request.headers.update({'X-Auth-Token': token, 'Accept': accept, 'Content-Type': content_type})
    return request.get_response(application)


def check_refusal(response):
    assert response.status_int < 500 or response.status_int == 501, response.text
    names = {faults.NAMES.get(response.status_int)}
    if response.content_type == 'application/json':
        assert set(response.json) == names, response.text
    else:
        assert re.match(rf'<{names.pop()}[ >]', response.text.splitlines()[1]), response.text


@pytest.mark.parametrize('route', ROUTES, ids=lambda route: f'{route.method} {route.path}')
def test_a_body_changes_nothing_unless_it_is_accepted(edge, route):
    """Every route is sent bodies in either form, those too that take none."""
    places.fill(edge)
    application = deploy.application()
    words = sorted(
        keys_of(route.request_schema.schema) if route.
        request_schema else {'instance', 'name', 'id'})
    path, token = places.path_of(route), places.token_of(route.method, route.path)
    before, seen = [rows()], set()

    def send(sent, accept):
        response = ask(application, route.method, path, *sent, accept, token)
        seen.add(response.status_int)
        if response.status_int >= 400:
            check_refusal(response)
        if response.status_int >= 400 or route.method == 'GET':
            assert rows() == before[0]
        else:
            before[0] = rows()

    for content_type, bodies in FORMS.items():
        bounded(EXAMPLES)(given(
            bodies(words).map(functools.partial(labelled, content_type)), _ACCEPTS)(send))()
    bounded(EXAMPLES // 3)(given(_NOISE, _ACCEPTS)(send))()
    # A caller refused by policy, or without a match, reveals nothing of the code behind.
    assert 400 in seen or not route.request_schema


def test_paths_and_queries_change_nothing(edge):
    worlds.orders(edge)
    before = rows()

    @bounded(200)
    @given(st.sampled_from(ROUTES), st.lists(_SEGMENTS, min_size=5, max_size=5), _QUERIES, _ACCEPTS,
           st.sampled_from(['', '.xml', '.json', '/', '.xml.json']))
    def anything(route, segments, query, accept, suffix):
        words = iter(segments)
        path = re.sub(r'{(\w+)}', lambda found: next(words),
                      route.path.replace('{project_id}', tokens.DEMO, 1))
        response = ask(edge.application, route.method, f'/v1.0{path}{suffix}?{query}', '', b'',
                       accept)
        if response.status_int >= 400:
            check_refusal(response)

    anything()
    assert rows() == before
