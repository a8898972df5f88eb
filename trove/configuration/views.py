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

"""Views of configuration groups and parameters."""

from collections.abc import Mapping
from typing import Any

from trove.common.http import views
from trove.configuration import values
from trove.db.session import Row


def summary(row: Row) -> dict[str, Any]:
    """Return the fields of a group in a list."""
    return {
        'id': row.id,
        'name': row.name,
        'description': row.description,
        'created': views.timestamp(row.created),
        'updated': views.timestamp(row.updated),
        'datastore_name': row.datastore_name,
        'datastore_version_id': row.datastore_version_id,
        'datastore_version_name': row.version_name
    }


def complete(row: Row, stored: Mapping[str, Any], instance_count: int) -> dict[str, Any]:
    """Return the fields of one group."""
    return {
        **summary(row), 'datastore_version_number': row.version_number,
        'values': values.masked(stored),
        'instance_count': instance_count
    }


def attached(row: Row, digest: str) -> dict[str, Any]:
    """Return the fields of an instance that the group is attached to.

    :param digest: digest of the group's present values.
    """
    return {'id': row.id, 'name': row.name, 'up_to_date': row.configuration_digest == digest}


def parameter(row: Row) -> dict[str, Any]:
    """Return one parameter, with the bounds that its rule has."""
    shown = {'name': row.name, 'datastore_version_id': row.datastore_version_id,
             'restart_required': bool(row.restart_required), 'type': row.data_type}
    for key, text in (('max', row.max_size), ('min', row.min_size)):
        limit = values.bound(text)
        if limit is not None:
            shown[key] = limit
    return shown
