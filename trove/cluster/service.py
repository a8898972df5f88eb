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

"""Controllers of clusters.

No engine of this service supports clusters: a create is refused after all checks, so there is never
a cluster to list, show or change. Policy and schemas apply as for every other resource.
"""

from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.http import pagination
from trove.common.http.request import Request
from trove.common.http.route import Action
from trove.datastore import models as datastore_models
from trove.db import session
from trove.db.session import Connection, Row

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    pagination.limit_of(request, CONF.clusters_page_size)
    return {'clusters': []}


def create(request: Request, body: dict[str, Any]) -> None:
    """:raises trove.common.exception.NotSupported: every well-formed request."""
    datastore = body['cluster']['datastore']

    def read(connection: Connection) -> Row:
        return datastore_models.resolve(connection, datastore['type'], datastore['version'], None)

    version = session.read(read)
    raise exception.NotSupported(
        f'Clusters are not supported for datastore {version.datastore_name}.')


def show(request: Request, cluster_id: str) -> None:
    raise exception.not_found(cluster_id)


def action(request: Request, cluster_id: str, body: dict[str, Any], action: Action) -> None:
    raise exception.not_found(cluster_id)


def delete(request: Request, cluster_id: str) -> None:
    raise exception.not_found(cluster_id)


def show_instance(request: Request, cluster_id: str, instance_id: str) -> None:
    raise exception.not_found(cluster_id)


def root_show(request: Request, cluster_id: str) -> None:
    raise exception.not_found(cluster_id)


def root_enable(request: Request, cluster_id: str, body: dict[str, Any]) -> None:
    raise exception.not_found(cluster_id)
