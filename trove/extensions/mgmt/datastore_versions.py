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

"""The calls of administrators on datastore versions."""

from typing import Any

from trove.common import policy
from trove.common.http import schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.datastore import models, versions
from trove.db import datastores, session
from trove.extensions.mgmt import schemas as mgmt_schemas
from trove.extensions.mgmt import views

_RULE = 'mgmt:datastore_version'


def _authorize(request: Request, action: str) -> None:
    policy.require_admin(request.context)
    policy.authorize(request.context, f'{_RULE}:{action}')


def index(request: Request) -> dict[str, Any]:
    _authorize(request, 'index')
    return {'versions': [views.version(row) for row in session.read(datastores.versions)]}


def show(request: Request, version: str) -> dict[str, Any]:
    _authorize(request, 'show')
    return {'version': views.version(session.read(models.version_by_id, version))}


def create(request: Request) -> Response:
    _authorize(request, 'create')
    body = request.json_body()
    schemas.check(mgmt_schemas.VERSION_CREATE, body)
    versions.create(body['version'])
    return Response(202)


def change(request: Request, version: str) -> Response:
    """The body has no wrapper key."""
    _authorize(request, 'update')
    body = request.json_body()
    schemas.check(mgmt_schemas.VERSION_CHANGE, body)
    versions.change(version, body)
    return Response(202)


def delete(request: Request, version: str) -> Response:
    _authorize(request, 'delete')
    versions.delete(version)
    return Response(202)
