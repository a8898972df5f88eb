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

"""Controllers of clusters for administrators. No engine supports clusters."""

from typing import Any

from trove.common import exception
from trove.common.http.request import Request
from trove.common.http.route import Action


def index(request: Request) -> dict[str, Any]:
    return {'clusters': []}


def show(request: Request, cluster_id: str) -> None:
    raise exception.not_found(cluster_id)


def action(request: Request, cluster_id: str, body: dict[str, Any], action: Action) -> None:
    raise exception.not_found(cluster_id)
