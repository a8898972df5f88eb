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

"""Filters and order of a list of instances, from the query of a request."""

import webob

from trove.common import states
from trove.common.http import query
from trove.db.instance_filters import SORT_KEYS, Filters


def filters(request: webob.Request) -> Filters:
    """Return the filters and the order of a list.

    :raises trove.common.exception.BadRequest: an unknown status, key or direction, or a bound that
        is not a time.
    """
    return Filters(name=query.text(request, 'name'), datastore=query.text(request, 'datastore'),
                   replica_of=query.text(request, 'replica_of'),
                   status=query.word(request, 'status', states.SHOWN),
                   window=query.window(request), order=query.order(request, SORT_KEYS),
                   include_clustered=query.flag(request, 'include_clustered'))
