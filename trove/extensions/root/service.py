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

"""Controllers of the root account of an instance.

Administrators, too, find only the instances of the project in the URL.
"""

from typing import Any

from trove.common import engines, exception
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.common.rpc import messages
from trove.db import root_history, session
from trove.db.rows import InstanceRow
from trove.extensions import serving
from trove.instance import databases_and_users


def _find(request: Request, instance_id: str) -> InstanceRow:
    return serving.instance(request, instance_id, engines.ROOT, only_own=True)


def show(request: Request, instance_id: str) -> dict[str, Any]:
    """Return whether root is enabled, by the record in the database."""
    return {'rootEnabled': _is_enabled(_find(request, instance_id).id)}


def enable(request: Request, instance_id: str, body: dict[str, Any]) -> dict[str, Any]:
    row = _find(request, instance_id)
    password = body.get('password') or None
    if password is not None:
        databases_and_users.check_password(row.manager, password, 'password')
    try:
        user = serving.call(row, messages.EnableRoot(password=password), is_long=True,
                            reply=serving.ROOT)['user']
    except (exception.GuestTimeout, exception.BrokerError):
        # The guest may have enabled root; an auditor needs the record in this case.
        _record_enabled(row.id, request.context.user_id)
        raise
    _record_enabled(row.id, request.context.user_id)
    name = user.get('name') or engines.of(row.manager).root_user
    return {'user': {'name': name, 'password': user.get('password') or password}}


def disable(request: Request, instance_id: str) -> Response:
    row = _find(request, instance_id)
    if not _is_enabled(row.id):
        raise exception.NotFound(
            f'Root has never been enabled for instance {row.id}, or is disabled already.')
    serving.call(row, messages.DisableRoot())
    session.write(root_history.record_disabled, row.id, session.utcnow())
    return Response(204)


def _is_enabled(instance_id: str) -> bool:
    history = session.read(root_history.get, instance_id)
    return history is not None and history.deleted_at is None


def _record_enabled(instance_id: str, user: str | None) -> None:
    session.write(root_history.record_enabled, instance_id, user, session.utcnow())
