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

"""Controller of limits: quotas and rates of a project.

Clients take the first element of the list for the quotas.
"""

from typing import Any

from trove.common.http import rate_limits
from trove.common.http.request import Request
from trove.db import quotas, session


def index(request: Request) -> dict[str, Any]:
    allowed = session.read(quotas.limits, request.context.project_id)
    absolute = {
        'verb': 'ABSOLUTE',
        **{
            f'max_{resource}': limit
            for resource, limit in allowed.items()
        }
    }
    rates = request.environ.get(rate_limits.REPORT_KEY)
    return {'limits': [absolute, *(rates() if rates is not None else [])]}
