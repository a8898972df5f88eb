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

"""Views of modules; contents are shown only in the list of an instance."""

from typing import Any

from trove.common.http import views
from trove.db.session import Row

#: Value for all projects, datastores or versions.
ALL = 'all'


def summary(row: Row) -> dict[str, Any]:
    """Return the fields of a module in a list."""
    return {
        'id': row.id,
        'name': row.name,
        'description': row.description,
        'type': row.type,
        'tenant_id': row.tenant_id,
        'tenant': row.tenant_id or ALL,
        'datastore_id': row.datastore_id,
        'datastore_version_id': row.datastore_version_id,
        # The datastore may be deleted; the module is still not for all datastores.
        'datastore': ALL if row.datastore_id is None else row.datastore_name or row.datastore_id,
        'datastore_version': (ALL if row.datastore_version_id is None else row.version_name
                              or row.datastore_version_id),
        'auto_apply': bool(row.auto_apply),
        'priority_apply': bool(row.priority_apply),
        'is_admin': bool(row.is_admin),
        'visible': bool(row.visible),
        'apply_order': row.apply_order,
        'md5': row.md5,
        'created': views.timestamp(row.created),
        'updated': views.timestamp(row.updated)
    }


def module(row: Row) -> dict[str, Any]:
    """Return the fields of one module."""
    return {**summary(row), 'live_update': bool(row.live_update)}


def count(row: Row, found: Row) -> dict[str, Any]:
    """Return the number of instances that have a module with the same contents.

    :param found: row of :func:`trove.db.modules.counts`.
    """
    return {
        'module_name': row.name,
        'module_id': row.id,
        'module_md5': found.md5,
        'instance_count': found.number,
        'current': found.md5 == row.md5,
        'min_updated_date': views.timestamp(found.oldest),
        'max_updated_date': views.timestamp(found.newest)
    }


def on_instance(reported: dict[str, Any], *, with_contents: bool) -> dict[str, Any]:
    """Return a module as the guest of an instance reports it."""
    return {
        'type': reported['type'],
        'name': reported['name'],
        'datastore': reported.get('datastore') or ALL,
        'datastore_version': reported.get('datastore_version') or ALL,
        'tenant': reported.get('tenant') or ALL,
        'id': reported['id'],
        'md5': reported['md5'],
        'status': reported['status'],
        'message': reported.get('message'),
        'created': reported.get('created'),
        'updated': reported.get('updated'),
        'removed': reported.get('removed'),
        'auto_apply': bool(reported.get('auto_apply')),
        'visible': bool(reported.get('visible', True)),
        'is_admin': bool(reported.get('is_admin')),
        'contents': reported.get('contents') if with_contents else None
    }
