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

"""Limits, markers and the next link."""

from urllib import parse

import pytest
import webob
from oslo_config import cfg

from trove.common import cfg as options
from trove.common import exception
from trove.common.http import pagination


@pytest.fixture(autouse=True)
def _options():
    options.register(cfg.CONF)


def request(query=''):
    return webob.Request.blank(f'/v1.0/p/instances/i/users?{query}', base_url='http://h:8779')


@pytest.mark.parametrize('query, rows', [('', 20), ('limit=', 20), ('limit=5', 5), ('limit=007', 7),
                                         ('limit=20', 20), ('limit=21', 20),
                                         ('limit=' + '9' * 50, 20)])
def test_limits(query, rows):
    assert pagination.limit_of(request(query), 20) == rows


@pytest.mark.parametrize('limit', ['0', '00', '-1', 'abc', '1.5', '+3', '1e3', '%C2%B2', ' 5'])
def test_limits_that_are_none(limit):
    with pytest.raises(exception.BadRequest):
        pagination.limit_of(request(f'limit={limit}'), 20)


def test_the_link_keeps_scheme_and_query_and_quotes_the_marker_twice():
    link, = pagination.links(request('limit=2&marker=old&include_clustered=False'), 'amy@%')
    assert link == {
        'rel': 'next',
        'href': 'http://h:8779/v1.0/p/instances/i/users?limit=2&include_clustered=False'
        '&marker=amy%2540%2525'
    }


@pytest.mark.parametrize('marker', ['amy@%', 'a b@10.%', 'plain', 'ü@%', 'a+b@%', 'a&b=c@%', 'a/b'])
def test_a_marker_survives_both_kinds_of_clients(marker):
    href = pagination.links(request(), marker)[0]['href']
    query = href.partition('?')[2]
    # One client follows the link as it is, another decodes the query once for the next URL.
    assert pagination.marker_of(request(query)) == marker
    decoded = dict(parse.parse_qsl(query))['marker']
    assert pagination.marker_of(request(f'marker={decoded}')) == marker


def test_the_last_page_has_no_links():
    assert pagination.page(request(), 'users', [], None) == {'users': []}
