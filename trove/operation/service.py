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

from trove.db.session import Connection, Row

from trove.common import exception, policy
from trove.common.http.request import Request
from trove.db import operations, session
from trove.operation import views


def find(request: Request, rule: str, operation_id: str) -> Row:
    """The operation a request names, if the caller may do to it what the rule says.

    :raises trove.common.exception.NotFound: there is none, or it is another project's.
    """
    context = request.context
    policy.authorize(context, rule)
    row = session.read(operations.get, operation_id)
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise exception.not_found(operation_id)
    if row.project_id != context.project_id:
        policy.authorize(context, rule, row.project_id)
    return row


def show(request: Request, operation_id: str) -> dict[str, Any]:
    context = request.context
    row = find(request, 'operation:show', operation_id)

    def read(connection: Connection) -> tuple[Any, Any]:
        return operations.steps_of(connection, row.id), operations.children(connection, row.id)

    steps, children = session.read(read)
    seen = [
        child for child in children if context.is_admin or child.project_id == context.project_id
    ]
    return {'operation': views.with_steps(row, steps, seen)}
