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

"""Certificate of an instance.

No engine of this release accepts a certificate of its own. A change is checked in full and then
refused in the words clients know.
"""

from typing import Any, NoReturn

from trove.common import exception
from trove.db import instances, session
from trove.db.rows import InstanceRow
from trove.instance import models

#: Mode of an instance for which no certificate was configured.
BUILTIN = 'builtin'


def describe(row: InstanceRow, *, include_certificate: bool) -> dict[str, Any]:
    """Return the TLS state of an instance, from its row.

    :raises trove.common.exception.Unprocessable: the instance has no server.
    """
    models.require_server(row)
    certificate: dict[str, Any] = {'cn': None, 'expire_at': None, 'san': []}
    if include_certificate:
        certificate['payload'] = None
    return {
        'status': 'off' if row.ssl_mode is None else 'on',
        'mode': row.ssl_mode or BUILTIN,
        'certificate': certificate
    }


def change(row: InstanceRow, request: dict[str, Any]) -> NoReturn:
    """Refuse to enable, disable or roll back a certificate, after every other check.

    :raises trove.common.exception.BadRequest: the request contradicts itself, or the engine is not
        capable.
    :raises trove.common.exception.Unprocessable: the instance or one of its replicas is busy.
    """
    requested = [key for key in ('enable', 'disable', 'rollback') if request.get(key)]
    if len(requested) != 1:
        raise exception.BadRequest(
            "ssl must hold exactly one of 'enable', 'disable' and 'rollback'.")
    operation = requested[0]
    if operation == 'enable' and not request.get('container_ref'):
        raise exception.BadRequest("ssl['container_ref'] is required to enable a certificate.")
    if row.slave_of_id is not None and operation != 'rollback':
        raise exception.BadRequest(
            f'Instance {row.id} is a replica, which takes its certificate from its source '
            f'{row.slave_of_id}.')
    _require_all_ready(row)
    raise exception.BadRequest(
        f'Not supported: datastore {row.manager} cannot change its certificate '
        f'(ssl {operation}).', code='not_supported_by_datastore')


def _require_all_ready(row: InstanceRow) -> None:
    """Refuse while the instance or one of its replicas is busy: their certificates change together.
    """
    now = session.utcnow()
    models.require_ready(row, now)
    for replica in session.read(instances.replicas_of, [row.id]).get(row.id, ()):
        found = session.read(instances.get, replica.id)
        if found is not None:
            models.require_ready(found, now)
