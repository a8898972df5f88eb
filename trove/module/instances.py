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

"""Controllers of the modules of an instance."""

from typing import Any

from trove.common.http import query
from trove.common.http.request import Request
from trove.db.rows import InstanceRow
from trove.instance import models as instance_models
from trove.instance import service
from trove.module import applying, views


def _find(request: Request, instance_id: str) -> InstanceRow:
    row = service.find(request, instance_id)
    instance_models.require_server(row)
    return row


def index(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the modules that the guest reports.

    Hidden modules, and the contents of modules of administrators, are shown to administrators only.
    """
    row = _find(request, instance_id)
    is_admin = request.context.is_admin
    reported = applying.on_guest(row, include_contents=query.flag(request, 'include_contents'))
    return {'modules': [
        views.on_instance(module, with_contents=is_admin or not module.get('is_admin'))
        for module in reported if is_admin or module.get('visible', True)]}


def apply(request: Request, instance_id: str, body: dict[str, Any]) -> dict[str, Any]:
    row = _find(request, instance_id)
    modules = applying.requested(request.context, row, [module['id'] for module in body['modules']])
    return {'modules': [views.on_instance(module, with_contents=False)
                        for module in applying.apply(row, modules)]}


def remove(request: Request, instance_id: str, module_id: str) -> None:
    row = _find(request, instance_id)
    applying.remove(request.context, row, module_id)
