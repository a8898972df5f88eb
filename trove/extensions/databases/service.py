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

"""Controllers of the databases of an instance."""

from typing import Any

from oslo_config import cfg

from trove.common import engines, exception
from trove.common.http import pagination
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.common.rpc import messages
from trove.extensions import serving
from trove.instance import databases_and_users, service

CONF = cfg.CONF


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = serving.instance(request, instance_id, engines.DATABASES)
    message = messages.ListDatabases(limit=pagination.limit_of(request, CONF.databases_page_size),
                                     marker=pagination.marker_of(request))
    reply = serving.call(row, message, reply=serving.DATABASES)
    shown = [{'name': database['name']} for database in reply['databases']]
    return pagination.page(request, 'databases', shown, reply.get('next_marker'))


def as_list(body: dict[str, Any]) -> dict[str, Any]:
    """Convert the body of openstacksdk, which creates one database at a time."""
    if 'databases' not in body and 'database' in body:
        return {'databases': [body['database']]}
    return body


def create(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = serving.instance(request, instance_id, engines.DATABASES)
    databases = databases_and_users.check_databases(row.manager, body['databases'], 'databases')
    if databases:
        serving.call(row, messages.CreateDatabases(databases=databases),
                     names=[item['name'] for item in databases])
    return Response(202)


def show(request: Request, instance_id: str, name: str) -> Response:
    """:raises trove.common.exception.NotSupported: always; the list shows all there is to show."""
    service.find(request, instance_id)
    raise exception.NotSupported('Showing one database is not implemented; use the list.')


def delete(request: Request, instance_id: str, name: str) -> Response:
    row = serving.instance(request, instance_id, engines.DATABASES)
    if name in databases_and_users.reserved_databases(row.manager):
        raise exception.BadRequest(f"The database name '{name}' is reserved.")
    if len(name) > serving.MAX_NAME:
        raise serving.no_such('Database', name)
    serving.call(row, messages.DeleteDatabase(name=name), names=[name])
    return Response(202)
