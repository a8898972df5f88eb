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

"""The calls on the users of an instance and on what they have access to.

A user in a path is ``name`` or ``name@host``; see :func:`trove.common.names.split_user`.
"""

from typing import Any

from oslo_config import cfg
from trove.db.session import Row

from trove.common import engines, exception, names
from trove.common.http import pagination, schemas
from trove.common.rpc import messages
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.extensions import serving
from trove.extensions.users import schemas as user_schemas
from trove.instance import databases_and_users

CONF = cfg.CONF

_USER = 'instance:extension:user'
_ACCESS = 'instance:extension:user_access'


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = serving.instance(request, f'{_USER}:index', instance_id, engines.USERS)
    message = messages.ListUsers(limit=pagination.limit_of(request, CONF.users_page_size),
                                 marker=pagination.marker_of(request))
    answer = serving.ask(row, message, patient=True, gives=serving.USERS)
    return pagination.page(request, 'users', [_view(user) for user in answer['users']],
                           answer.get('next_marker'))


def create(request: Request, instance_id: str) -> Response:
    row = serving.instance(request, f'{_USER}:create', instance_id, engines.USERS)
    body = request.json_body()
    schemas.check(user_schemas.CREATE, body)
    users = databases_and_users.check_users(row.manager, body['users'], 'users')
    if users:
        serving.ask(row, messages.CreateUsers(users=users), named=[user['name'] for user in users])
    return Response(202)


def change_passwords(request: Request, instance_id: str) -> Response:
    row = serving.instance(request, f'{_USER}:update_all', instance_id, engines.USERS)
    body = request.json_body()
    schemas.check(user_schemas.CHANGE_PASSWORDS, body)
    users = databases_and_users.check_users(row.manager, body['users'], 'users')
    if users:
        changes = [{key: user[key] for key in ('name', 'host', 'password')} for user in users]
        serving.ask(row, messages.ChangePasswords(users=changes),
                    named=[user['name'] for user in users])
    return Response(202)


def show(request: Request, instance_id: str, user: str) -> dict[str, Any]:
    row = serving.instance(request, f'{_USER}:show', instance_id, engines.USERS)
    name, host = _meant(row, user)
    found = serving.ask(row, messages.GetUser(name=name, host=host), named=[name],
                        gives=serving.USER)['user']
    if found is None:
        raise serving.no_such('User', name)
    return {'user': _view(found)}


def update(request: Request, instance_id: str, user: str) -> Response:
    row = serving.instance(request, f'{_USER}:update', instance_id, engines.USERS)
    body = request.json_body()
    schemas.check(user_schemas.UPDATE, body)
    name, host = _meant(row, user)
    changes = {
        key: body['user'][key]
        for key in ('name', 'password', 'host')
        if key in body['user']
    }
    checks = {
        'name': databases_and_users.check_user_name,
        'password': databases_and_users.check_password,
        'host': databases_and_users.check_host
    }
    for key, value in changes.items():
        checks[key](row.manager, value, f"user['{key}']")
    serving.ask(row, messages.UpdateUser(name=name, host=host, changes=changes),
                named=[name, *([changes['name']] if 'name' in changes else [])])
    return Response(202)


def delete(request: Request, instance_id: str, user: str) -> Response:
    row = serving.instance(request, f'{_USER}:delete', instance_id, engines.USERS)
    name, host = _meant(row, user)
    serving.ask(row, messages.DeleteUser(name=name, host=host), named=[name])
    return Response(202)


def access_index(request: Request, instance_id: str, user: str) -> dict[str, Any]:
    row = serving.instance(request, f'{_ACCESS}:index', instance_id, engines.GRANTS)
    name, host = _meant(row, user)
    answer = serving.ask(row, messages.ListAccess(name=name, host=host), named=[name],
                         gives=serving.ACCESS)
    return {'databases': [{'name': database['name']} for database in answer['databases']]}


def access_grant(request: Request, instance_id: str, user: str) -> Response:
    """Adds grants and never takes one away."""
    row = serving.instance(request, f'{_ACCESS}:update', instance_id, engines.GRANTS)
    body = request.json_body()
    schemas.check(user_schemas.GRANT, body)
    name, host = _meant(row, user)
    wanted = [database['name'] for database in body['databases']]
    for index_, database in enumerate(wanted):
        databases_and_users.check_database_name(row.manager, database, f"databases[{index_}]['name']")
    serving.ask(row, messages.GrantAccess(name=name, host=host, databases=wanted), named=[name],
                databases=wanted)
    return Response(202)


def access_revoke(request: Request, instance_id: str, user: str, name: str) -> Response:
    row = serving.instance(request, f'{_ACCESS}:delete', instance_id, engines.GRANTS)
    user_name, host = _meant(row, user)
    if len(name) > serving.MAX_NAME:
        raise serving.no_such('Database', name)
    serving.ask(row, messages.RevokeAccess(name=user_name, host=host, database=name),
                named=[user_name], databases=[name])
    return Response(202)


def _meant(row: Row, user: str) -> tuple[str, str]:
    """Name and host of the user in the path.

    :raises trove.common.exception.BadRequest: a reserved name.
    :raises trove.common.exception.NotFound: nobody can have that name.
    """
    name, host = names.split_user(user)
    if name in databases_and_users.reserved_users(row.manager):
        raise exception.BadRequest(f"The user name '{name}' is reserved.")
    if not name or max(len(name), len(host)) > serving.MAX_NAME:
        raise serving.no_such('User', name)
    return name, host


def _view(user: dict[str, Any]) -> dict[str, Any]:
    """Never a password, whatever the guest says."""
    return {'name': user['name'], 'host': user.get('host'),
            'databases': [{'name': database['name']} for database in user.get('databases') or ()]}
