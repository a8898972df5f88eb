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

"""The calls on the databases of an instance."""

from typing import Any

from oslo_config import cfg

from trove.common import engines, exception
from trove.common.http import pagination, schemas
from trove.common.rpc import messages
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.extensions import serving
from trove.extensions.databases import schemas as database_schemas
from trove.instance import databases_and_users, service

CONF = cfg.CONF

_RULE = 'instance:extension:database'


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = serving.instance(request, f'{_RULE}:index', instance_id, engines.DATABASES)
    message = messages.ListDatabases(limit=pagination.limit_of(request, CONF.databases_page_size),
                                     marker=pagination.marker_of(request))
    answer = serving.ask(row, message, gives=serving.DATABASES)
    shown = [{'name': database['name']} for database in answer['databases']]
    return pagination.page(request, 'databases', shown, answer.get('next_marker'))


def create(request: Request, instance_id: str) -> Response:
    row = serving.instance(request, f'{_RULE}:create', instance_id, engines.DATABASES)
    body = request.json_body()
    if 'databases' not in body and 'database' in body:
        # openstacksdk makes one at a time, and says so.
        body = {'databases': [body['database']]}
    schemas.check(database_schemas.CREATE, body)
    databases = databases_and_users.check_databases(row.manager, body['databases'], 'databases')
    if databases:
        serving.ask(row, messages.CreateDatabases(databases=databases),
                    named=[item['name'] for item in databases])
    return Response(202)


def show(request: Request, instance_id: str, name: str) -> Response:
    """There is nothing more to show of a database than the list has; clients know 501 here."""
    service.find(request, f'{_RULE}:show', instance_id)
    raise exception.NotSupported('Showing one database is not implemented; use the list.')


def delete(request: Request, instance_id: str, name: str) -> Response:
    row = serving.instance(request, f'{_RULE}:delete', instance_id, engines.DATABASES)
    if name in databases_and_users.reserved_databases(row.manager):
        raise exception.BadRequest(f"The database name '{name}' is reserved.")
    if len(name) > serving.MAX_NAME:
        raise serving.no_such('Database', name)
    serving.ask(row, messages.DeleteDatabase(name=name), named=[name])
    return Response(202)
