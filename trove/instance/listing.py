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

"""Which instances a list shows, and in which order: what the query of a list asks for.

Everything here is additive: a list that is asked for nothing is as it always was. The shown status cannot be filtered
by, because it is made of the instance, its operation and its guest.
"""

import webob

from trove.common import exception
from trove.db.instance_pages import SORT_KEYS, Filters

#: Longest text that a row could be equal to.
_LONGEST = 255


def filters(request: webob.Request) -> Filters:
    """What ``name``, ``datastore``, ``replica_of``, ``sort_key``, ``sort_dir`` and ``include_clustered`` ask for.

    :raises trove.common.exception.BadRequest: an unknown key or direction.
    """
    query = request.GET
    sort_key, direction = query.get('sort_key') or None, query.get('sort_dir') or 'asc'
    if sort_key is not None and sort_key not in SORT_KEYS:
        raise exception.BadRequest(f"Query parameter 'sort_key' must be one of {', '.join(SORT_KEYS)}.")
    if direction not in ('asc', 'desc'):
        raise exception.BadRequest("Query parameter 'sort_dir' must be asc or desc.")
    for name in ('name', 'datastore', 'replica_of'):
        if len(query.get(name, '')) > _LONGEST:
            raise exception.BadRequest(f"Query parameter '{name}' must have at most {_LONGEST} characters.")
    return Filters(name=query.get('name') or None, datastore=query.get('datastore') or None,
                   replica_of=query.get('replica_of') or None, sort_key=sort_key, descending=direction == 'desc',
                   include_clustered=query.get('include_clustered', '').lower() == 'true')
