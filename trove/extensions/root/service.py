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

"""The calls on the root account of an instance. Found by the project in the URL only, by administrators too."""

from typing import Any

from trove.common import engines, exception
from trove.common.http import schemas
from trove.common.rpc import messages
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.db import root_history, session
from trove.extensions import serving
from trove.extensions.root import schemas as root_schemas
from trove.instance import databases_and_users

_RULE = 'instance:extension:root'


def show(request: Request, instance_id: str) -> dict[str, Any]:
    """From our own records: the engine is not asked."""
    row = serving.instance(request, f'{_RULE}:index', instance_id, engines.ROOT, only_own=True)
    return {'rootEnabled': _is_enabled(row.id)}


def enable(request: Request, instance_id: str) -> dict[str, Any]:
    row = serving.instance(request, f'{_RULE}:create', instance_id, engines.ROOT, only_own=True)
    body = request.json_body(required=False)
    schemas.check(root_schemas.ENABLE, body)
    password = body.get('password') or None
    if password is not None:
        databases_and_users.check_password(row.manager, password, 'password')
    try:
        user = serving.ask(row, messages.EnableRoot(password=password), patient=True,
                           gives=serving.ROOT)['user']
    except (exception.GuestTimeout, exception.BrokerError):
        # It may have been enabled all the same; the record errs on the side that an auditor needs.
        _record_enabled(row.id, request.context.user_id)
        raise
    _record_enabled(row.id, request.context.user_id)
    name = user.get('name') or engines.of(row.manager).root_user
    return {'user': {'name': name, 'password': user.get('password') or password}}


def disable(request: Request, instance_id: str) -> Response:
    row = serving.instance(request, f'{_RULE}:delete', instance_id, engines.ROOT, only_own=True)
    if not _is_enabled(row.id):
        raise exception.NotFound(
            f'Root has never been enabled for instance {row.id}, or is disabled already.')
    serving.ask(row, messages.DisableRoot())
    session.write(root_history.record_disabled, row.id, session.utcnow())
    return Response(204)


def _is_enabled(instance_id: str) -> bool:
    history = session.read(root_history.get, instance_id)
    return history is not None and history.deleted_at is None


def _record_enabled(instance_id: str, user: str | None) -> None:
    session.write(root_history.record_enabled, instance_id, user, session.utcnow())
