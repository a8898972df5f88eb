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

"""The calls on the certificate of an instance.

No engine of this release takes a certificate of its own yet: what is asked for is checked like everything else and then
refused in the words clients know, before anything is changed.
"""

from typing import Any

from trove.common import exception
from trove.common.http import query, schemas
from trove.common.http.request import Request
from trove.db import instances, session
from trove.db.session import Row
from trove.instance import models, service
from trove.instance import schemas as instance_schemas

#: The engine's own certificate, or none: nothing was configured.
BUILTIN = 'builtin'


def show(request: Request, instance_id: str) -> dict[str, Any]:
    """From our own records. Without a certificate of its own an engine speaks no TLS here."""
    row = service.find(request, 'instance:show', instance_id)
    models.require_server(row)
    certificate: dict[str, Any] = {'cn': None, 'expire_at': None, 'san': []}
    if query.flag(request, 'include_certificate'):
        certificate['payload'] = None
    return {
        'ssl': {
            'status': 'off' if row.ssl_mode is None else 'on',
            'mode': row.ssl_mode or BUILTIN,
            'certificate': certificate
        }
    }


def change(request: Request, instance_id: str) -> dict[str, Any]:
    """Enable, disable, or go back to what was before: exactly one.

    :raises trove.common.exception.BadRequest: the request contradicts itself, or the engine cannot.
    :raises trove.common.exception.Unprocessable: the instance or one of its replicas cannot now.
    """
    row = service.find(request, 'instance:update', instance_id)
    body = request.json_body()
    schemas.check(instance_schemas.SSL_CHANGE, body)
    asked = body['ssl']
    named = [key for key in ('enable', 'disable', 'rollback') if asked.get(key)]
    if len(named) != 1:
        raise exception.BadRequest(
            "ssl must hold exactly one of 'enable', 'disable' and 'rollback'.")
    operation = named[0]
    if operation == 'enable' and not asked.get('container_ref'):
        raise exception.BadRequest("ssl['container_ref'] is required to enable a certificate.")
    if row.slave_of_id is not None and operation != 'rollback':
        raise exception.BadRequest(
            f'Instance {row.id} is a replica, which takes its certificate from its source '
            f'{row.slave_of_id}.')
    _require_ready(row)
    raise exception.BadRequest(
        f'Not supported: datastore {row.manager} cannot change its certificate '
        f'(ssl {operation}).', code='not_supported_by_datastore')


def _require_ready(row: Row) -> None:
    """The instance and each of its replicas: they change together."""
    now = session.utcnow()
    models.require_ready(row, now)
    for replica in session.read(instances.replicas_of, [row.id]).get(row.id, ()):
        found = session.read(instances.get, replica.id)
        if found is not None:
            models.require_ready(found, now)
