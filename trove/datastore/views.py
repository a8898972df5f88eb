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

"""Views of datastores and versions."""

from collections.abc import Sequence
from typing import Any

from trove.db.session import Row

from trove.common.http import views
from trove.common.http.request import Request


def datastore(request: Request, row: Row, versions: Sequence[Row]) -> dict[str, Any]:
    """Return the fields of a datastore.

    :param versions: versions to show; the default version is shown only if it is one of them,
        because clients look it up there.
    """
    shown = {'id': row.id, 'name': row.name, 'links': views.links(request, 'datastores', row.id),
             'versions': [version(request, item, with_datastore=False) for item in versions]}
    if row.default_version_id and any(item.id == row.default_version_id for item in versions):
        shown['default_version'] = row.default_version_id
    return shown


def version(request: Request, row: Row, *, with_datastore: bool = True) -> dict[str, Any]:
    shown: dict[str, Any] = {'id': row.id, 'name': row.name, 'version': row.version,
                             'links': views.links(request, 'datastores/versions', row.id)}
    if with_datastore:
        shown['datastore'] = row.datastore_id
    if request.context.is_admin:
        shown.update(active=bool(row.active), packages=row.packages, image=row.image_id,
                     image_tags=row.image_tags.split(',') if row.image_tags else [],
                     registry_ext=row.registry_ext, repl_strategy=row.repl_strategy)
    return shown


def volume_type(row: Row) -> dict[str, Any]:
    return {
        'id': row.id,
        'name': row.name,
        'is_public': bool(row.is_public),
        'description': row.description
    }
