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

"""Controllers of the parameters that configuration groups of a datastore version can set."""

from typing import Any

from trove.common import exception
from trove.common.http.request import Request
from trove.configuration import views
from trove.datastore import models as datastore_models
from trove.db import datastores, session
from trove.db.session import Connection, Row


def _in_datastore(connection: Connection, datastore: str, version: str) -> Row:
    return datastore_models.find_version(connection, datastore_models.find(connection, datastore),
                                         version)


def find(connection: Connection, version_id: str, name: str) -> Row:
    """Return a parameter of a version, by its name in any case.

    :raises trove.common.exception.NotFound: no such parameter.
    """
    row = datastores.parameter(connection, version_id, name)
    if row is None:
        raise exception.NotFound(f"Configuration parameter '{name[:255]}' cannot be found.")
    return row


def index(request: Request, datastore: str, version: str) -> dict[str, Any]:
    return _list(lambda connection: _in_datastore(connection, datastore, version))


def show(request: Request, datastore: str, version: str, name: str) -> dict[str, Any]:
    """Return a parameter without a wrapper key, as clients print it."""
    return _one(lambda connection: _in_datastore(connection, datastore, version), name)


def index_by_version(request: Request, version: str) -> dict[str, Any]:
    return _list(lambda connection: datastore_models.version_by_id(connection, version))


def show_by_version(request: Request, version: str, name: str) -> dict[str, Any]:
    return _one(lambda connection: datastore_models.version_by_id(connection, version), name)


def _list(version_of: Any) -> dict[str, Any]:
    rows = session.read(lambda connection: datastores.parameters(connection,
                                                                 version_of(connection).id))
    return {'configuration-parameters': [views.parameter(row) for row in rows]}


def _one(version_of: Any, name: str) -> dict[str, Any]:
    return views.parameter(
        session.read(lambda connection: find(connection,
                                             version_of(connection).id, name)))
