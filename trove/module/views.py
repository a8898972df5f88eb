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

"""How modules are shown. Their contents never are, except as an instance has them."""

from typing import Any

from trove.common.http import views
from trove.db.session import Row

#: Shown where something holds for all projects, datastores or versions.
ALL = 'all'


def summary(row: Row) -> dict[str, Any]:
    """The fields of the list."""
    return {
        'id': row.id,
        'name': row.name,
        'description': row.description,
        'type': row.type,
        'tenant_id': row.tenant_id,
        'tenant': row.tenant_id or ALL,
        'datastore_id': row.datastore_id,
        'datastore_version_id': row.datastore_version_id,
        # The datastore may be gone; the module is none the more for all of them.
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
    """The fields of one module."""
    return {**summary(row), 'live_update': bool(row.live_update)}


def count(row: Row, found: Row) -> dict[str, Any]:
    """How many instances have a module with which contents.

    :param found: a row of :func:`trove.db.modules.counts`.
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


def on_instance(told: dict[str, Any], *, with_contents: bool) -> dict[str, Any]:
    """A module as the guest of an instance tells of it."""
    return {
        'type': told['type'],
        'name': told['name'],
        'datastore': told.get('datastore') or ALL,
        'datastore_version': told.get('datastore_version') or ALL,
        'tenant': told.get('tenant') or ALL,
        'id': told['id'],
        'md5': told['md5'],
        'status': told['status'],
        'message': told.get('message'),
        'created': told.get('created'),
        'updated': told.get('updated'),
        'removed': told.get('removed'),
        'auto_apply': bool(told.get('auto_apply')),
        'visible': bool(told.get('visible', True)),
        'is_admin': bool(told.get('is_admin')),
        'contents': told.get('contents') if with_contents else None
    }
