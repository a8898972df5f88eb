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

"""Controllers of backup strategies: default containers of a project or of one of its instances.

A strategy is only a row, so the work is done when the response is sent.
"""

from typing import Any

from trove.backup import views
from trove.common.http import access, query
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.db import backup_strategies, session

BACKEND = 'swift'


def _project(request: Request) -> str:
    """Return the project of a request.

    :raises trove.common.exception.Forbidden: the rules do not allow this project.
    """
    own = request.context.project_id or ''
    project_id = query.text(request, 'project_id') or own
    access.authorize_owner(request, project_id)
    return project_id


def index(request: Request) -> dict[str, Any]:
    rows = session.read(backup_strategies.of_project, _project(request),
                        query.text(request, 'instance_id'))
    return {'backup_strategies': [views.strategy(row) for row in rows]}


def create(request: Request, body: dict[str, Any]) -> Response:
    """Create or replace the strategy of the project or of an instance, which need not exist."""
    project_id = request.context.project_id or ''
    requested = body['backup_strategy']
    instance_id = requested.get('instance_id', backup_strategies.WHOLE_PROJECT)
    session.write(lambda connection: backup_strategies.put(
        connection, project_id, instance_id, BACKEND, requested['swift_container'],
        session.utcnow()))
    made = session.read(backup_strategies.of_project, project_id, instance_id)
    return Response(202, {'backup_strategy': views.strategy(made[0])})


def delete(request: Request) -> Response:
    """Delete a strategy; the response is the same if there was none."""
    project_id = _project(request)
    instance_id = query.text(request, 'instance_id') or backup_strategies.WHOLE_PROJECT
    session.write(backup_strategies.remove, project_id, instance_id)
    return Response(202)
