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

"""Controllers of datastore versions for administrators."""

from typing import Any

from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.datastore import models, versions
from trove.db import datastores, session
from trove.extensions.mgmt import views


def index(request: Request) -> dict[str, Any]:
    return {'versions': [views.version(row) for row in session.read(datastores.versions)]}


def show(request: Request, version: str) -> dict[str, Any]:
    return {'version': views.version(session.read(models.version_by_id, version))}


def create(request: Request, body: dict[str, Any]) -> Response:
    versions.create(body['version'])
    return Response(202)


def change(request: Request, version: str, body: dict[str, Any]) -> Response:
    """Change a version; the body has no wrapper key."""
    versions.change(version, body)
    return Response(202)


def delete(request: Request, version: str) -> Response:
    versions.delete(version)
    return Response(202)
