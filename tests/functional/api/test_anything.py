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

"""Whatever is sent to whatever route: a refusal that the contract knows, and nothing is changed by it."""

import json
import re
from xml.sax import saxutils

import webob
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.api import tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common import faults
from trove.common.api import ROUTES
from trove.db import session, tables

BOUNDED = settings(max_examples=100, deadline=None, derandomize=True, database=None,
                   suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                                          HealthCheck.data_too_large])

#: Words that lead further in than chance would.
_WORDS = sorted({key for route in ROUTES if route.takes for key in route.takes.schema.get('properties', {})}
                | {'restart', 'name', 'volume', 'size', 'flavorRef', 'databases', 'host'})
_KEYS = st.sampled_from(_WORDS) | st.text(max_size=6)
_SCALARS = (st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
            | st.sampled_from(['10', '1', WORDS['orders'], 'shop', 'app', '%']))
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3)
                       | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12)

_NAMES = st.sampled_from([*_WORDS, 'item', 'user', 'database', 'nic', 'link']) | st.text('aZ_.:-9ü', max_size=4)
_TEXTS = st.text(max_size=10).map(saxutils.escape) | st.sampled_from(['', '1', 'None', 'True', '&b;', '<![CDATA[x]]>'])
_XML = st.recursive(_TEXTS, lambda inner: st.builds(
    lambda name, attributes, children: f'<{name} {" ".join(attributes)}>{"".join(children)}</{name}>', _NAMES,
    st.lists(st.builds(lambda name, text: f'{name}={saxutils.quoteattr(text)}', _NAMES, st.text(max_size=10)),
             max_size=2),
    st.lists(inner, max_size=3)), max_leaves=10)
_PROLOGUES = st.sampled_from(['', '<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE a [<!ENTITY b "x">]>'])

_DATA = st.one_of(
    st.tuples(st.just('application/json'), st.one_of(
        _VALUES.map(json.dumps).map(str.encode),
        st.dictionaries(st.sampled_from(_WORDS), _VALUES, min_size=1, max_size=2).map(json.dumps).map(str.encode))),
    st.tuples(st.just('application/xml'), st.builds(lambda start, text: (start + text).encode(), _PROLOGUES, _XML)),
    st.tuples(st.sampled_from(['application/json', 'application/xml', 'text/plain', '', 'x']), st.binary(max_size=40)))

_SEGMENTS = st.sampled_from([WORDS['nobody'], WORDS['orders'][:-1], 'x.xml', '%00', '%ff', '%2f', '..', ';', '%25zz']) \
    | st.text('aZ0.-_~%@', min_size=1, max_size=12)
_QUERIES = st.sampled_from(['', 'limit=', 'limit=%ff', 'marker=%ff&limit=1', 'limit=1&marker=%2525zz', '%00=%00', '&&=',
                            'include_clustered=%F0']) | st.text('limt=&%0129', max_size=12)
_ACCEPTS = st.sampled_from(['', '*/*', 'application/xml', 'application/json;q=x', 'application/xml;q=inf',
                            'application/vnd.openstack.trove+xml;version=1.0', ',;=,'])


def rows():
    """Everything in the database."""
    with session.reader() as connection:
        return {table.name: connection.execute(table.select()).all() for table in tables.metadata.sorted_tables}


def ask(edge, method, path, content_type, data, accept):
    request = webob.Request.blank(path, method=method, body=data)
    request.headers.update({'X-Auth-Token': 'demo', 'Accept': accept, 'Content-Type': content_type})
    return request.get_response(edge.application)


def check_refusal(response):
    assert response.status_int < 500 or response.status_int == 501, response.text
    names = {faults.NAMES.get(response.status_int)}
    if response.content_type == 'application/json':
        assert set(response.json) == names, response.text
    else:
        assert re.match(rf'<{names.pop()}[ >]', response.text.splitlines()[1]), response.text


def test_bodies_change_nothing_unless_they_are_accepted(edge):
    worlds.orders(edge)
    takers = [route for route in ROUTES if route.takes]
    paths = {'instance_id': WORDS['orders'], 'user': 'app', 'project_id': tokens.DEMO}

    @BOUNDED
    @given(st.sampled_from(takers), _DATA, _ACCEPTS)
    def anything(route, sent, accept):
        path = re.sub(r'{(\w+)}', lambda found: paths.get(found.group(1), tokens.DEMO), route.path)
        before = rows()
        response = ask(edge, route.method, f'/v1.0{path}', *sent, accept)
        if response.status_int >= 400:
            check_refusal(response)
            assert rows() == before

    anything()


def test_paths_and_queries_change_nothing(edge):
    worlds.orders(edge)
    before = rows()

    @BOUNDED
    @given(st.sampled_from(ROUTES), st.lists(_SEGMENTS, min_size=5, max_size=5), _QUERIES, _ACCEPTS,
           st.sampled_from(['', '.xml', '.json', '/', '.xml.json']))
    def anything(route, segments, query, accept, suffix):
        words = iter(segments)
        path = re.sub(r'{(\w+)}', lambda found: next(words), route.path.replace('{project_id}', tokens.DEMO, 1))
        response = ask(edge, route.method, f'/v1.0{path}{suffix}?{query}', '', b'', accept)
        if response.status_int >= 400:
            check_refusal(response)

    anything()
    assert rows() == before
