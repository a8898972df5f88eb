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

"""Controllers of flavors. They read the copy of Nova's flavors that the task manager stores."""

from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.http.request import Request
from trove.db import flavors, session
from trove.flavor import views

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    rows = session.read(flavors.all_of, CONF.service_credentials.region_name)
    return {'flavors': [views.flavor(request, row) for row in rows if row.is_public]}


def show(request: Request, flavor: str) -> dict[str, Any]:
    row = session.read(flavors.get, CONF.service_credentials.region_name, flavor)
    if row is None:
        raise exception.not_found(flavor)
    return {'flavor': views.flavor(request, row)}
