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

"""The calls of administrators on clusters. No engine of this service has clusters, so there are none."""

from typing import Any

from trove.common import exception, policy
from trove.common.http.request import Request

_RULE = 'mgmt:cluster'


def _authorize(request: Request, action: str) -> None:
    policy.require_admin(request.context)
    policy.authorize(request.context, f'{_RULE}:{action}')


def index(request: Request) -> dict[str, Any]:
    _authorize(request, 'index')
    return {'clusters': []}


def show(request: Request, cluster_id: str) -> None:
    _authorize(request, 'show')
    raise exception.not_found(cluster_id)


def action(request: Request, cluster_id: str) -> None:
    _authorize(request, 'action')
    if set(request.json_body()) != {'reset-task'}:
        raise exception.BadRequest("The body must hold exactly one action: 'reset-task'.")
    raise exception.not_found(cluster_id)
