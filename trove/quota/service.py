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

"""Controllers of the quotas of a project, which only administrators may change by default."""

from typing import Any

from trove.common import exception
from trove.common.http.request import Request
from trove.db import quotas, session
from trove.db.session import Connection

#: Characters of the column; ids of Keystone have 32.
MAX_PROJECT_ID = 36


def show(request: Request, target_project_id: str) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (quotas.limits(connection, target_project_id),
                quotas.usages(connection, target_project_id))

    allowed, used = session.read(read)
    return {
        'quotas': [{
            'resource': resource,
            'in_use': used[resource],
            'reserved': 0,
            'limit': limit
        } for resource, limit in allowed.items()]
    }


def update(request: Request, target_project_id: str, body: dict[str, Any]) -> dict[str, Any]:
    if len(target_project_id) > MAX_PROJECT_ID:
        raise exception.BadRequest(f'The id of a project has at most {MAX_PROJECT_ID} characters.')
    changes = {resource: limit for resource, limit in body['quotas'].items()
               if limit is not None and resource != 'xmlns'}
    unknown = sorted(changes.keys() - quotas.DEFAULTS.keys())
    if unknown:
        raise exception.NotFound(f"Quota resource '{unknown[0][:255]}' cannot be found.")

    def write(connection: Connection) -> None:
        now = session.utcnow()
        for resource, limit in sorted(changes.items()):
            quotas.set_limit(connection, target_project_id, resource, limit, now)

    session.write(write)
    return {'quotas': changes}
