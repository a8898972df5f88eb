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

"""The URL table."""

import pytest

from trove.common import exception
from trove.common.http.mapper import RouteMapper
from trove.common.http.route import Route


def router(*lines, suffixes=('json',)):
    return RouteMapper([Route(method, path, lambda: None, whole=whole) for method, path,
                        whole in lines],
                       suffixes)


TABLE = router(
    ('GET', '/{project_id}/things', False),
    ('GET', '/{project_id}/things/detail', False),
    ('GET', '/{project_id}/things/{thing}', False),
    ('GET', '/{project_id}/things/{thing}/names/{name}', True),
    ('GET', '/{project_id}/things/versions/{version}', False),
    ('GET', '/{project_id}/things/{thing}/versions', False))


@pytest.mark.parametrize('path, line, arguments', [
    ('/p/things', '/{project_id}/things', {}),
    ('/p/things/detail', '/{project_id}/things/detail', {}),
    ('/p/things/5', '/{project_id}/things/{thing}', {
        'thing': '5'
    }),
    ('/p/things/versions', '/{project_id}/things/{thing}', {
        'thing': 'versions'
    }),
    ('/p/things/versions/7', '/{project_id}/things/versions/{version}', {
        'version': '7'
    }),
    ('/p/things/5/versions', '/{project_id}/things/{thing}/versions', {
        'thing': '5'
    }),
    ('/p/things/versions/versions', '/{project_id}/things/versions/{version}', {
        'version': 'versions'
    }),
    ('/p/things/10.11', '/{project_id}/things/{thing}', {
        'thing': '10.11'
    }),
    ('/p/things/5/names/a.b.json', '/{project_id}/things/{thing}/names/{name}', {
        'thing': '5',
        'name': 'a.b.json'
    }),
])
def test_matches(path, line, arguments):
    found = TABLE.match('GET', path)
    assert (found.route.path, found.arguments, found.suffix) == (line, arguments, '')


@pytest.mark.parametrize('path, arguments', [('/p/things.json', {}),
                                             ('/p/things/5.json', {
                                                 'thing': '5'
                                             }), ('/p/things/10.11.json', {
                                                 'thing': '10.11'
                                             })])
def test_a_suffix_is_cut(path, arguments):
    found = TABLE.match('GET', path)
    assert (found.arguments, found.suffix) == (arguments, 'json')


@pytest.mark.parametrize('method, path', [('POST', '/p/things'), ('HEAD', '/p/things'),
                                          ('GET', '/p/things/'), ('GET', '/p/'), ('GET', '/p'),
                                          ('GET', '/'), ('GET', '/p/things/5/names/'),
                                          ('GET', '/p/things/5/other'), ('GET', '/p/other'),
                                          ('GET', '/p/things\n'), ('GET', '/p/things.other'),
                                          ('GET', 'p/things'), ('GET', '/p/things.')])
def test_the_rest_is_not_found(method, path):
    with pytest.raises(exception.NotFound):
        TABLE.match(method, path)


@pytest.mark.parametrize('path, thing, suffix', [
    ('/p/things/.json', '.json', ''), ('/p/things/a.xml', 'a', 'xml'),
    ('/p/things/a.json.xml', 'a.json', 'xml'), ('/p/things/a.xm', 'a.xm', ''),
    ('/p/things/a\nb', 'a\nb', ''), ('/p/things/\u00e9 +%', '\u00e9 +%', '')])
def test_the_suffix_of_a_format_is_the_last(path, thing, suffix):
    table = router(('GET', '/{project_id}/things/{thing}', False), suffixes=('json', 'xml'))
    found = table.match('GET', path)
    assert (found.arguments, found.suffix) == ({'thing': thing}, suffix)


def test_no_suffix_is_cut_where_none_is_configured():
    table = router(('GET', '/{project_id}/things/{thing}', False), suffixes=())
    assert table.match('GET', '/p/things/a.json').arguments == {'thing': 'a.json'}


def test_a_line_cannot_be_there_twice():
    with pytest.raises(ValueError):
        router(('GET', '/{a}', False), ('GET', '/{b}', False))
