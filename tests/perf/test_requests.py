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

"""Cost of a request, behind the whole pipeline and with a cached token."""

import functools
import json

import pytest

from tests.functional.api import tokens
from tests.functional.api.edge import VERSION_ID
from tests.perf import deployment, measuring
from trove.db import session

#: path -> (SQL statements at most, CPU milliseconds at most).
BARS = {
    '/instances': (1, 1.5),
    '/instances/detail': (1, 2.0),
    '/instances/{one}': (2, 1.5),
}
#: Limits of a create: SQL statements, cloud requests, messages; and milliseconds.
CREATE = (19, 4, 1)
CREATE_MS = 40.0
#: Greatest ratio of a page's cost among ten thousand instances to that among a hundred.
TABLE_RATIO = 1.2


@pytest.mark.parametrize('path', BARS)
def test_a_read(service, figures, path):
    statements, milliseconds = BARS[path]
    url = path.format(one=service.twenty[0])
    answer = json.loads(service.call(url))
    assert len(answer.get('instances', [0] * 20)) == 20
    with measuring.counted(service.edge) as counts:
        service.call(url)
    taken = measuring.cpu_ms(lambda: service.call(url))
    figures.note(f'{service.name}: GET {path}',
                 f'{len(counts.statements)} statements, {taken:.2f} ms CPU',
                 f'{statements} statements, {milliseconds:.1f} ms')
    assert counts.summary <= (statements, 0, 0), counts
    assert taken <= milliseconds


def rows_read():
    """Return the number of rows that MariaDB has read for this process's only connection."""
    with session.reader() as connection:
        return sum(
            int(row[1])
            for row in connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
            if row[0] != 'Handler_read_rnd_deleted')


@pytest.mark.parametrize('path', ['/instances', '/instances/detail'])
def test_mariadb_reads_as_many_rows_among_many(service, figures, path):
    if service.name != 'mariadb':
        pytest.skip('only MariaDB counts the rows that it has read')
    found = {}
    for token in deployment.MANY:
        service.call(path, token=token)
        before = rows_read()
        service.call(path, token=token)
        between = rows_read()
        # The query itself reads rows, too.
        found[token] = between - before - (rows_read() - between)
    figures.note(f'{service.name}: GET {path}, rows read among 10,000 and among 100',
                 f'{found["other"]} and {found["admin"]}', f'ratio {TABLE_RATIO}')
    assert max(found.values()) <= min(found.values()) * TABLE_RATIO


@pytest.mark.parametrize('path', ['/instances', '/instances/detail'])
def test_a_page_of_many(service, figures, path):
    """A page costs the same, regardless of other rows and of its position."""
    calls = {}
    for token in ('other', 'admin'):
        first = json.loads(service.call(path, token=token))
        following = f'{path}?{first["instances_links"][0]["href"].partition("?")[2]}'
        for page, url in (('first', path), ('second', following)):
            calls[page, token] = functools.partial(service.call, url, token=token)
            with measuring.counted(service.edge) as counts:
                assert len(json.loads(calls[page, token]())['instances']) == 20
            assert counts.summary == (1, 0, 0), counts
    for page in ('first', 'second'):
        many, few = measuring.compared(calls[page, 'other'], calls[page, 'admin'])
        figures.note(f'{service.name}: GET {path}, {page} page of 10,000 against 100',
                     f'{many:.2f} ms against {few:.2f} ms, ratio {many / few:.2f}',
                     f'ratio {TABLE_RATIO}')
        assert many <= few * TABLE_RATIO


def test_a_create(service, figures):
    network = service.edge.cloud.network('private')['id']
    body = json.dumps({'instance': {
        'name': 'new', 'flavorRef': '10', 'volume': {'size': 1}, 'nics': [{'net-id': network}],
        'datastore': {'type': 'mariadb', 'version': VERSION_ID}}}).encode()

    def create():
        return service.call('/instances', method='POST', body=body, token='demo-manager')
    assert json.loads(create())['instance']['status'] == 'BUILD'
    with measuring.counted(service.edge) as counts:
        create()
    taken = measuring.cpu_ms(create, times=5, rounds=4)
    figures.note(
        f'{service.name}: POST /instances', '{} statements, {} requests to the cloud, {} messages, '
        '{:.1f} ms CPU'.format(*counts.summary, taken),
        '{} statements, {} requests, {} messages, {:.0f} ms'.format(*CREATE, CREATE_MS))
    assert all(number <= most for number, most in zip(counts.summary, CREATE, strict=True)), counts
    assert taken <= CREATE_MS


def test_keystone_validates_a_token_once(service):
    service.keystone.validated.clear()
    for _ in range(20):
        service.call('/instances', token='demo-reader')
    assert service.keystone.validated in ([], ['demo-reader'])
    assert tokens.KNOWN['demo-reader'].project == tokens.DEMO
