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
"""Values of path segments with which each route of the table finds a resource."""

import re

from tests.functional.api import tokens, worlds
from tests.functional.api.edge import Edge
from tests.functional.api.stories import WORDS
from trove.common.http.route import Route

#: Resources in the world of :func:`fill`.
KNOWN = {
    'instance_id': WORDS['orders'],
    'user': 'app',
    'configuration_id': WORDS['group'],
    'backup_id': WORDS['backup'],
    'module_id': WORDS['module'],
    'datastore': 'mariadb',
    'version': WORDS['version'],
    'flavor': '10',
    'target_project_id': tokens.DEMO,
    'operation_id': 'aaaaaaaa-0000-4000-8000-000000000001'
}
#: Resources without references, which can be deleted.
UNUSED = {'datastore': 'redis', 'version': WORDS['old-version'], 'module_id': WORDS['live-module']}

_SEGMENT = re.compile(r'{(\w+)}')


def fill(edge: Edge) -> None:
    """One of everything; nobody's way is barred by a quota or a rate."""
    worlds.quota_of_thousand(edge)
    for name in ('get', 'post', 'put', 'delete', 'mgmt_post'):
        edge.conf.set_override(f'http_{name}_rate', 0)
    for made in (worlds.orders, worlds.parameters, worlds.groups, worlds.some_backups,
                 worlds.some_modules, worlds.history, worlds.strategies, worlds.applied_module):
        made(edge)
    assert edge.ask('POST', f'/instances/{WORDS["orders"]}/root').status_int == 200


def token_of(method: str, path: str) -> str:
    """Return a token with the right to the call: an administrator, a manager of the project
    elsewhere.
    """
    return 'admin' if '/mgmt/' in path or (method, path.rpartition('/')[2]) == (
        'DELETE', '{datastore}') else ('demo-manager')


def segments_of(method: str, path: str) -> dict[str, str]:
    """name of a segment -> what stands there; clusters there are none."""
    return {name: _segment(method, path, name) for name in _SEGMENT.findall(path)}


def _segment(method: str, path: str, name: str) -> str:
    if name == 'project_id':
        return tokens.KNOWN[token_of(method, path)].project
    if name == 'name':
        return 'max_connections' if '/parameters/' in path else 'shop'
    # Resources in use cannot be deleted.
    is_to_go = method == 'DELETE' and path.endswith(f'{{{name}}}') and '/instances/' not in path
    return (UNUSED.get(name) if is_to_go else None) or KNOWN.get(name, WORDS['nobody'])


def path_of(route: Route) -> str:
    """Where a route leads to something."""
    known = segments_of(route.method, route.path)
    return '/v1.0' + _SEGMENT.sub(lambda found: known[found.group(1)], route.path)
