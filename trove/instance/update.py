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

"""PUT and PATCH on an instance. They differ in the keys they take."""

import jsonschema

from trove.common import exception
from trove.common.http import schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.instance import changes, models, service
from trove.instance import schemas as instance_schemas


def update(request: Request, instance_id: str) -> Response:
    return _change(request, instance_id, instance_schemas.UPDATE)


def edit(request: Request, instance_id: str) -> Response:
    return _change(request, instance_id, instance_schemas.EDIT)


def _change(request: Request, instance_id: str, schema: jsonschema.Draft202012Validator) -> Response:
    """One change, and a new name beside it. No change at all detaches the configuration, as it always did."""
    row = service.find(request, 'instance:update', instance_id)
    body = request.json_body()
    schemas.check(schema, body)
    asked = body['instance'] or {'configuration': None}
    named = sorted(asked.keys() - {'name'})
    if len(named) > 1:
        raise exception.BadRequest(
            f"instance can be changed in one way at a time, beside its name; this request has "
            f"{', '.join(named)}.")
    if named != ['deletion_protection']:
        # What could not be built has no server, and must stay deletable.
        models.require_server(row)
    if not named:
        changes.rename(request.context, row, asked['name'])
        return Response(202)
    recorded = changes.CHANGES[named[0]](request.context, row, asked.get('name'), asked[named[0]])
    return Response(202) if recorded is None else service.accepted(recorded)
