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

"""``GET operations/{id}``: long work, whatever it works on. The lists stand under their resource."""

from typing import Any

from trove.db.session import Connection

from trove.common import faults, policy
from trove.common.wsgi import Request
from trove.db import operations, session
from trove.operation import views


def show(request: Request, operation_id: str) -> dict[str, Any]:
    context = request.context
    policy.authorize(context, 'operation:show')

    def read(connection: Connection) -> tuple[Any, Any]:
        return operations.get(connection, operation_id), operations.steps_of(connection, operation_id)

    row, steps = session.read(read)
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise faults.not_found(operation_id)
    if row.project_id != context.project_id:
        policy.authorize(context, 'operation:show', row.project_id)
    return {'operation': views.with_steps(row, steps)}
