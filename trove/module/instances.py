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

"""The calls on the modules of an instance."""

from typing import Any

from trove.common.http import schemas
from trove.common.http.request import Request
from trove.db.session import Row
from trove.instance import models as instance_models
from trove.instance import service
from trove.module import applying, views
from trove.module import schemas as module_schemas


def _find(request: Request, rule: str, instance_id: str) -> Row:
    row = service.find(request, rule, instance_id)
    instance_models.require_server(row)
    return row


def index(request: Request, instance_id: str) -> dict[str, Any]:
    """As the guest tells them. Hidden ones, and the contents of those of administrators, are for administrators."""
    row = _find(request, 'instance:module_list', instance_id)
    include_contents = bool(request.GET.get('include_contents'))
    is_admin = request.context.is_admin
    found = applying.on_guest(row, include_contents=include_contents)
    return {'modules': [views.on_instance(told, with_contents=is_admin or not told.get('is_admin'))
                        for told in found if is_admin or told.get('visible', True)]}


def apply(request: Request, instance_id: str) -> dict[str, Any]:
    row = _find(request, 'instance:module_apply', instance_id)
    body = request.json_body()
    schemas.check(module_schemas.APPLY, body)
    wanted = applying.wanted(request.context, row, [named['id'] for named in body['modules']])
    return {
        'modules': [
            views.on_instance(told, with_contents=False) for told in applying.apply(row, wanted)
        ]
    }


def remove(request: Request, instance_id: str, module_id: str) -> None:
    row = _find(request, 'instance:module_remove', instance_id)
    applying.remove(request.context, row, module_id)
