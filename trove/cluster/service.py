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

"""The calls on clusters.

No engine of this service can be a cluster: a create is refused after all of it was checked, so there is never one to
list, show or change. Policies and schemas are asked all the same, in the order of every other resource.
"""

from typing import Any

from oslo_config import cfg

from trove.cluster import schemas as cluster_schemas
from trove.common import exception, policy
from trove.common.http import pagination, schemas
from trove.common.http.request import Request
from trove.datastore import models as datastore_models
from trove.db import session
from trove.db.session import Connection, Row

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    policy.authorize(request.context, 'cluster:index')
    pagination.limit_of(request, CONF.clusters_page_size)
    return {'clusters': []}


def create(request: Request) -> None:
    """:raises trove.common.exception.NotSupported: whatever is well formed."""
    policy.authorize(request.context, 'cluster:create')
    body = request.json_body()
    schemas.check(cluster_schemas.CREATE, body)
    asked = body['cluster']['datastore']

    def read(connection: Connection) -> Row:
        return datastore_models.resolve(connection, asked['type'], asked['version'], None)

    version = session.read(read)
    raise exception.NotSupported(
        f'Clusters are not supported for datastore {version.datastore_name}.')


def show(request: Request, cluster_id: str) -> None:
    policy.authorize(request.context, 'cluster:show')
    raise exception.not_found(cluster_id)


def action(request: Request, cluster_id: str) -> None:
    """Exactly one key says which; resetting has rules of its own."""
    policy.authorize(request.context, 'cluster:action')
    body = request.json_body()
    named = cluster_schemas.ACTIONS.keys() & body.keys()
    if len(named) != 1 or len(body) != 1:
        raise exception.BadRequest(f"The body must hold exactly one action: one of "
                                   f"{', '.join(sorted(cluster_schemas.ACTIONS))}.")
    name = named.pop()
    if name == 'reset-status':
        forced = isinstance(body[name], dict) and 'force_delete' in body[name]
        policy.authorize(request.context,
                         'cluster:force_delete' if forced else 'cluster:reset-status')
    schemas.check(cluster_schemas.ACTIONS[name], body)
    raise exception.not_found(cluster_id)


def delete(request: Request, cluster_id: str) -> None:
    policy.authorize(request.context, 'cluster:delete')
    raise exception.not_found(cluster_id)


def show_instance(request: Request, cluster_id: str, instance_id: str) -> None:
    policy.authorize(request.context, 'cluster:show_instance')
    raise exception.not_found(cluster_id)


def root_show(request: Request, cluster_id: str) -> None:
    policy.authorize(request.context, 'cluster:extension:root:index')
    raise exception.not_found(cluster_id)


def root_enable(request: Request, cluster_id: str) -> None:
    policy.authorize(request.context, 'cluster:extension:root:create')
    schemas.check(cluster_schemas.ROOT, request.json_body(required=False))
    raise exception.not_found(cluster_id)
