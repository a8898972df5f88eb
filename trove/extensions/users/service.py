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

"""Controllers of the users of an instance and of the databases that they have access to.

A user in a path is ``name`` or ``name@host``; see :func:`trove.common.names.split_user`.
"""

from typing import Any

from oslo_config import cfg

from trove.common import engines, exception, names
from trove.common.http import pagination
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.common.rpc import messages
from trove.db.rows import InstanceRow
from trove.extensions import serving
from trove.instance import databases_and_users

CONF = cfg.CONF


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = serving.instance(request, instance_id, engines.USERS)
    message = messages.ListUsers(limit=pagination.limit_of(request, CONF.users_page_size),
                                 marker=pagination.marker_of(request))
    reply = serving.call(row, message, is_long=True, reply=serving.USERS)
    return pagination.page(request, 'users', [_view(user) for user in reply['users']],
                           reply.get('next_marker'))


def create(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = serving.instance(request, instance_id, engines.USERS)
    users = databases_and_users.check_users(row.manager, body['users'], 'users')
    if users:
        serving.call(row, messages.CreateUsers(users=users),
                     names=[user['name'] for user in users])
    return Response(202)


def change_passwords(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = serving.instance(request, instance_id, engines.USERS)
    users = databases_and_users.check_users(row.manager, body['users'], 'users')
    if users:
        changes = [{key: user[key] for key in ('name', 'host', 'password')} for user in users]
        serving.call(row, messages.ChangePasswords(users=changes),
                     names=[user['name'] for user in users])
    return Response(202)


def show(request: Request, instance_id: str, user: str) -> dict[str, Any]:
    row = serving.instance(request, instance_id, engines.USERS)
    name, host = _name_and_host(row, user)
    found = serving.call(row, messages.GetUser(name=name, host=host), names=[name],
                         reply=serving.USER)['user']
    if found is None:
        raise serving.no_such('User', name)
    return {'user': _view(found)}


def update(request: Request, instance_id: str, user: str, body: dict[str, Any]) -> Response:
    row = serving.instance(request, instance_id, engines.USERS)
    name, host = _name_and_host(row, user)
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
    serving.call(row, messages.UpdateUser(name=name, host=host, changes=changes),
                 names=[name, *([changes['name']] if 'name' in changes else [])])
    return Response(202)


def delete(request: Request, instance_id: str, user: str) -> Response:
    row = serving.instance(request, instance_id, engines.USERS)
    name, host = _name_and_host(row, user)
    serving.call(row, messages.DeleteUser(name=name, host=host), names=[name])
    return Response(202)


def access_index(request: Request, instance_id: str, user: str) -> dict[str, Any]:
    row = serving.instance(request, instance_id, engines.GRANTS)
    name, host = _name_and_host(row, user)
    reply = serving.call(row, messages.ListAccess(name=name, host=host), names=[name],
                         reply=serving.ACCESS)
    return {'databases': [{'name': database['name']} for database in reply['databases']]}


def access_grant(request: Request, instance_id: str, user: str, body: dict[str, Any]) -> Response:
    """Add grants; existing grants stay."""
    row = serving.instance(request, instance_id, engines.GRANTS)
    name, host = _name_and_host(row, user)
    databases = [database['name'] for database in body['databases']]
    for position, database in enumerate(databases):
        databases_and_users.check_database_name(row.manager, database,
                                                f"databases[{position}]['name']")
    serving.call(row, messages.GrantAccess(name=name, host=host, databases=databases),
                 names=[name], databases=databases)
    return Response(202)


def access_revoke(request: Request, instance_id: str, user: str, name: str) -> Response:
    row = serving.instance(request, instance_id, engines.GRANTS)
    user_name, host = _name_and_host(row, user)
    if len(name) > serving.MAX_NAME:
        raise serving.no_such('Database', name)
    serving.call(row, messages.RevokeAccess(name=user_name, host=host, database=name),
                 names=[user_name], databases=[name])
    return Response(202)


def _name_and_host(row: InstanceRow, user: str) -> tuple[str, str]:
    """Return name and host of the user in the path.

    :raises trove.common.exception.BadRequest: the name is reserved.
    :raises trove.common.exception.NotFound: name or host is empty or too long for any user.
    """
    name, host = names.split_user(user)
    if name in databases_and_users.reserved_users(row.manager):
        raise exception.BadRequest(f"The user name '{name}' is reserved.")
    if not name or max(len(name), len(host)) > serving.MAX_NAME:
        raise serving.no_such('User', name)
    return name, host


def _view(user: dict[str, Any]) -> dict[str, Any]:
    """Return a user as it is shown: without a password, even if the guest reports one."""
    return {'name': user['name'], 'host': user.get('host'),
            'databases': [{'name': database['name']} for database in user.get('databases') or ()]}
