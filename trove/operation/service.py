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

"""Controller of ``GET operations/{id}``. The lists of operations belong to their resource."""

from typing import Any

from trove.common import policy
from trove.common.http import access
from trove.common.http.request import Request
from trove.db import operations, session
from trove.db.rows import OperationRow
from trove.db.session import Connection
from trove.operation import views


def load(context: Any, operation_id: str) -> OperationRow:
    """Return an operation of the caller's project; for an administrator, of any project.

    :raises trove.common.exception.NotFound: no such operation.
    """
    return policy.owned(context, session.read(operations.get, operation_id), operation_id)


def show(request: Request, operation_id: str) -> dict[str, Any]:
    context = request.context
    row = access.find(request, load, operation_id)

    def read(connection: Connection) -> tuple[Any, Any]:
        return operations.steps_of(connection, row.id), operations.children(connection, row.id)

    steps, children = session.read(read)
    visible = [
        child for child in children if context.is_admin or child.project_id == context.project_id
    ]
    return {'operation': views.with_steps(row, steps, visible)}
