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

"""Views of backups and backup strategies."""

from typing import Any

from trove.common import errors
from trove.common.http import views
from trove.db.session import Row


def backup(row: Row) -> dict[str, Any]:
    """Return the fields of a backup, without its datastore if the version is deleted."""
    shown: dict[str, Any] = {
        'id': row.id,
        'name': row.name,
        'description': row.description,
        'locationRef': row.location,
        'instance_id': row.instance_id,
        'created': views.timestamp(row.created),
        'updated': views.timestamp(row.updated),
        'size': row.size,
        'status': row.state,
        'parent_id': row.parent_id,
        'project_id': row.tenant_id,
        'storage_driver': row.storage_driver
    }
    if row.version_name is not None:
        shown['datastore'] = {'type': row.datastore_name, 'version': row.version_name,
                              'version_id': row.datastore_version_id}
    if row.error_code is not None:
        shown['fault'] = {'code': row.error_code,
                          'message': row.error_text or errors.CODES[row.error_code].sentence}
    return shown


def strategy(row: Row) -> dict[str, Any]:
    """Return the fields of a strategy; ``instance_id`` is empty for the whole project."""
    return {'project_id': row.tenant_id, 'instance_id': row.instance_id, 'backend': row.backend,
            'swift_container': row.swift_container}
