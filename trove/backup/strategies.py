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

"""The calls on backup strategies: where the backups of a project, or of one of its instances, go by default.

A strategy is a row and nothing more, so everything is done when it is answered.
"""

from typing import Any

from trove.backup import schemas as backup_schemas
from trove.backup import views
from trove.common import exception, policy
from trove.common.http import query, schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.db import backup_strategies, session

#: The one kind of storage there is a strategy for.
BACKEND = 'swift'


def _project(request: Request, rule: str) -> str:
    """The project a call is about.

    :raises trove.common.exception.Forbidden: another one, and the caller is no administrator.
    """
    context = request.context
    policy.authorize(context, rule)
    wanted = query.text(request, 'project_id') or context.project_id or ''
    if wanted != context.project_id:
        if not context.is_admin:
            raise exception.Forbidden(
                'Only an administrator may use the backup strategies of another project.')
        policy.authorize(context, rule, wanted)
    return wanted


def index(request: Request) -> dict[str, Any]:
    project_id = _project(request, 'backup_strategy:index')
    rows = session.read(backup_strategies.of_project, project_id,
                        query.text(request, 'instance_id'))
    return {'backup_strategies': [views.strategy(row) for row in rows]}


def create(request: Request) -> Response:
    """Make the strategy of the project, or of the instance that is named, or change it. There need be no instance."""
    policy.authorize(request.context, 'backup_strategy:create')
    project_id = request.context.project_id or ''
    body = request.json_body()
    schemas.check(backup_schemas.STRATEGY_CREATE, body)
    asked = body['backup_strategy']
    instance_id = asked.get('instance_id', backup_strategies.WHOLE_PROJECT)
    session.write(lambda connection: backup_strategies.put(
        connection, project_id, instance_id, BACKEND, asked['swift_container'], session.utcnow()))
    made = session.read(backup_strategies.of_project, project_id, instance_id)
    return Response(202, {'backup_strategy': views.strategy(made[0])})


def delete(request: Request) -> Response:
    """Also answered so when there was none."""
    project_id = _project(request, 'backup_strategy:delete')
    instance_id = query.text(request, 'instance_id') or backup_strategies.WHOLE_PROJECT
    session.write(backup_strategies.remove, project_id, instance_id)
    return Response(202)
