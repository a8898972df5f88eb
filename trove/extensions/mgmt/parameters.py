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

"""Controllers of the parameter rules of a datastore version, for administrators."""

import math
from typing import Any

from oslo_db import exception as db_exception

from trove.common import exception
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.configuration import parameters
from trove.datastore import models
from trove.db import datastores, session
from trove.db.session import Connection, Row
from trove.extensions.mgmt import views


def index(request: Request, version: str) -> dict[str, Any]:
    def read(connection: Connection) -> Any:
        return datastores.parameters(connection, models.version_by_id(connection, version).id)

    return {'configuration-parameters': [views.parameter(row) for row in session.read(read)]}


def show(request: Request, version: str, name: str) -> dict[str, Any]:
    return views.parameter(session.read(_find, version, name))


def _find(connection: Connection, version: str, name: str) -> Row:
    return parameters.find(connection, models.version_by_id(connection, version).id, name)


def create(request: Request, version: str, body: dict[str, Any]) -> dict[str, Any]:
    name, columns = _checked(body)

    def write(connection: Connection) -> Row:
        version_id = models.version_by_id(connection, version).id
        if datastores.parameter(connection, version_id, name) is not None:
            raise _exists(name)
        datastores.create_parameter(connection, version_id, {'name': name, **columns})
        return _find(connection, version_id, name)

    try:
        return views.parameter(session.write(write))
    except db_exception.DBDuplicateEntry:
        raise _exists(name) from None


def change(request: Request, version: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change a parameter; the name in the body is ignored, because parameters are not renamed."""
    _name, columns = _checked(body)

    def write(connection: Connection) -> Row:
        row = _find(connection, version, name)
        datastores.change_parameter(connection, row.id, **columns)
        return _find(connection, version, name)

    return views.parameter(session.write(write))


def delete(request: Request, version: str, name: str) -> Response:
    """Delete a parameter; an unknown one is 400, for compatibility."""

    def write(connection: Connection) -> None:
        try:
            row = _find(connection, version, name)
        except exception.NotFound as error:
            raise exception.BadRequest(error.message) from None
        datastores.delete_parameter(connection, row.id)

    session.write(write)
    return Response(204)


def _checked(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and the other columns of the rule in a body.

    :raises trove.common.exception.BadRequest: the bounds do not fit the type, or are missing.
    """
    requested = body['configuration-parameter']
    place = "configuration-parameter['{}']"
    limits: dict[str, int | float | None] = {}
    for key in ('max_size', 'min_size'):
        limit = requested.get(key)
        if limit is None and requested['data_type'] == 'integer':
            raise exception.BadRequest(f'{place.format(key)} is required for an integer.')
        limits[key] = None if limit is None else _number(limit, requested['data_type'],
                                                         place.format(key))
    if limits['max_size'] is not None and limits['min_size'] is not None and limits[
            'max_size'] < limits['min_size']:
        raise exception.BadRequest(
            f"{place.format('max_size')} must be at least {place.format('min_size')}.")
    columns = {key: None if limit is None else str(limit) for key, limit in limits.items()}
    return requested['name'], {
        'data_type': requested['data_type'],
        'restart_required': bool(requested['restart_required']),
        **columns
    }


def _number(limit: int | float, data_type: str, place: str) -> int | float:
    if not math.isfinite(limit) or (data_type == 'integer' and limit != int(limit)):
        raise exception.BadRequest(
            f'{place} must be {"an integer" if data_type == "integer" else "a number"}.')
    return int(limit) if limit == int(limit) else limit


def _exists(name: str) -> exception.BadRequest:
    return exception.BadRequest(
        f"Configuration parameter '{name}' already exists for this datastore version.")
