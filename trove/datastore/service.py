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

"""Controllers of datastores and versions."""

from typing import Any

from oslo_config import cfg
from trove.db.session import Connection

from trove.common import exception
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.datastore import models, views
from trove.db import datastores, flavors, session
from trove.flavor import views as flavor_views

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return datastores.all_datastores(connection), datastores.versions(connection)

    rows, versions = session.read(read)
    by_datastore: dict[str, list[Any]] = {}
    for version in models.visible(request.context, versions):
        by_datastore.setdefault(version.datastore_id, []).append(version)
    shown = [views.datastore(request, row, by_datastore.get(row.id, [])) for row in rows
             if row.id in by_datastore or request.context.is_admin]
    return {'datastores': shown}


def show(request: Request, datastore: str) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        row = models.find(connection, datastore)
        return row, datastores.versions(connection, row.id, only_active=True)

    row, versions = session.read(read)
    return {'datastore': views.datastore(request, row, versions)}


def delete(request: Request, datastore: str) -> Response:
    def write(connection: Connection) -> None:
        row = models.find(connection, datastore)
        if datastores.versions(connection, row.id):
            raise exception.BadRequest(
                f"Datastore '{row.name}' cannot be deleted: it still has versions.")
        datastores.delete_datastore(connection, row.id)

    session.write(write)
    return Response(202)


def version_index(request: Request, datastore: str) -> dict[str, Any]:
    def read(connection: Connection) -> Any:
        row = models.find(connection, datastore)
        return datastores.versions(connection, row.id, only_active=not request.context.is_admin)

    return {'versions': [views.version(request, row) for row in session.read(read)]}


def version_show(request: Request, datastore: str, version: str) -> dict[str, Any]:
    def read(connection: Connection) -> Any:
        return models.find_version(connection, models.find(connection, datastore), version)

    return {'version': views.version(request, session.read(read))}


def version_show_by_id(request: Request, version: str) -> dict[str, Any]:
    return {'version': views.version(request, session.read(models.version_by_id, version))}


def version_flavors(request: Request, datastore: str, version: str) -> dict[str, Any]:
    """Return the flavors of a version; all public ones if it has no list or is unknown."""
    def read(connection: Connection) -> tuple[Any, Any]:
        return (datastores.bound(connection, version, 'flavor'),
                flavors.all_of(connection, CONF.service_credentials.region_name))

    allowed, rows = session.read(read)
    shown = [
        flavor_views.flavor(request, row)
        for row in rows
        if row.id in allowed or (not allowed and row.is_public)
    ]
    return {'flavors': shown}


def version_volume_types(request: Request, datastore: str, version: str) -> dict[str, Any]:
    """Return the volume types of a version, which are listed by id or by name.

    An unknown version is not refused: it has all public types.
    """

    def read(connection: Connection) -> tuple[Any, Any]:
        return (datastores.bound(connection, version, 'volume_type'),
                flavors.volume_types(connection, CONF.service_credentials.region_name))

    allowed, rows = session.read(read)
    shown = [views.volume_type(row) for row in rows
             if row.id in allowed or row.name in allowed or (not allowed and row.is_public)]
    return {'volume_types': shown}
