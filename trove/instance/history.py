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

"""What was done to an instance: its operations and events. Also answered after the instance was deleted."""

from collections.abc import Callable
from typing import Any

from trove.common.http import pagination
from trove.common.http.request import Request
from trove.db import events as event_rows
from trove.db import operations as operation_rows
from trove.db import session
from trove.instance.service import find
from trove.operation import views

PAGE_SIZE = 20


def operations(request: Request, instance_id: str) -> dict[str, Any]:
    find(request, 'instance:operations', instance_id, include_deleted=True)
    return _page(request, 'operations', instance_id, operation_rows.of_resource, views.operation)


def events(request: Request, instance_id: str) -> dict[str, Any]:
    find(request, 'instance:events', instance_id, include_deleted=True)
    return _page(request, 'events', instance_id, event_rows.of_resource, views.event)


def _page(request: Request, collection: str, instance_id: str, rows_of: Callable[..., Any],
          view: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Newest first; the marker is the id of the last row."""
    limit = pagination.limit_of(request, PAGE_SIZE)
    rows = session.read(rows_of, instance_id, limit + 1, pagination.marker_of(request))
    following = rows[limit - 1].id if len(rows) > limit else None
    return pagination.page(request, collection, [view(row) for row in rows[:limit]], following)
