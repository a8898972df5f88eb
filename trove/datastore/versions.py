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

"""Changes of datastore versions by administrators."""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception

from trove.common import engines, exception
from trove.datastore import models, validation
from trove.db import datastores, session
from trove.db.session import Connection, Row

CONF = cfg.CONF

#: Characters of a column with a list, joined by commas.
_MAX_PACKAGES = 511


def create(requested: Mapping[str, Any]) -> str:
    """Create a version, and its datastore if it does not exist.

    :param requested: body of the request, checked by its schema.
    :returns: id of the version.
    :raises trove.common.exception.BadRequest: naming the wrong value.
    """
    _check_manager(requested['datastore_manager'])
    if requested['datastore_name'] == 'versions':
        raise exception.BadRequest("A datastore cannot be called 'versions': its path is taken.")
    if requested.get('default') and not requested['active']:
        raise exception.BadRequest('A version that is not active cannot be the default.')
    image_id, tags = requested.get('image'), requested.get('image_tags') or []
    if image_id is None and not tags:
        raise exception.BadRequest('A version needs an image or image_tags.')
    _check_images(image_id, tags)
    settings = CONF[requested['datastore_manager']]
    columns = {
        'name': requested['name'],
        'version': requested.get('version') or requested['name'],
        'manager': requested['datastore_manager'],
        'image_id': image_id,
        'image_tags': ','.join(tags),
        'packages': _packages(requested.get('packages') or []),
        'active': requested['active'],
        'registry_ext': requested.get('registry_ext')
        or f'trove.guestagent.datastore.{requested["datastore_manager"]}',
        'repl_strategy': requested.get('repl_strategy') or settings.replication_strategy
    }

    def write(connection: Connection) -> str:
        datastore_id = datastores.ensure_datastore(connection, requested['datastore_name'])
        version_id = datastores.create_version(connection, datastore_id, columns)
        if requested.get('default'):
            datastores.set_default_version(connection, datastore_id, version_id)
        return version_id

    try:
        return session.write(write)
    except db_exception.DBDuplicateEntry:
        raise _exists(requested['datastore_name'], columns['name'], columns['version']) from None


def change(version_id: str, requested: Mapping[str, Any]) -> None:
    """Change the given fields of a version.

    New tags without an image remove the image, so that it is found by the tags.

    :raises trove.common.exception.BadRequest: no such version, or naming the wrong value.
    """
    row = session.read(models.version_by_id, version_id)
    columns = _changed_columns(row, requested)
    if requested.get('default') and not columns.get('active', row.active):
        raise exception.BadRequest('A version that is not active cannot be the default.')

    def write(connection: Connection) -> None:
        current = models.version_by_id(connection, version_id)
        datastores.change_version(connection, version_id, **columns)
        if requested.get('default'):
            datastores.set_default_version(connection, current.datastore_id, version_id)
        elif requested.get('default') is False and current.default_version_id == version_id:
            datastores.set_default_version(connection, current.datastore_id, None)

    try:
        session.write(write)
    except db_exception.DBDuplicateEntry:
        raise _exists(row.datastore_name, columns.get('name', row.name), row.version) from None


def _changed_columns(row: Row, requested: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        key: requested[key]
        for key in ('name', 'active', 'registry_ext', 'repl_strategy')
        if key in requested
    }
    if 'datastore_manager' in requested:
        _check_manager(requested['datastore_manager'])
        columns['manager'] = requested['datastore_manager']
    if 'packages' in requested:
        columns['packages'] = _packages(requested['packages'])
    if 'image_tags' in requested:
        columns['image_tags'] = ','.join(requested['image_tags'])
        if requested['image_tags'] and 'image' not in requested:
            columns['image_id'] = None
    if 'image' in requested:
        columns['image_id'] = requested['image']
    if columns.get('image_id',
                   row.image_id) is None and not columns.get('image_tags', row.image_tags):
        raise exception.BadRequest('A version needs an image or image_tags.')
    _check_images(requested.get('image'), requested.get('image_tags') or [])
    return columns


def delete(version_id: str) -> None:
    """Delete a version that nothing live refers to, with its parameters.

    :raises trove.common.exception.BadRequest: no such version, or the version is in use.
    """
    def write(connection: Connection) -> None:
        row = models.version_by_id(connection, version_id)
        used = {
            name: number
            for name, number in datastores.uses_of_version(connection, row.id).items()
            if number
        }
        if used:
            uses = ', '.join(f'{number} {name}' for name, number in used.items())
            raise exception.BadRequest(
                f'Datastore version {row.id} cannot be deleted: it is used by {uses}.')
        datastores.delete_version(connection, row.id)

    session.write(write)


def _check_manager(manager: str) -> None:
    if manager not in engines.known():
        raise exception.BadRequest(f"datastore_manager '{manager}' is not one of "
                                   f"{', '.join(sorted(engines.known()))}.")


def _check_images(image_id: str | None, tags: Sequence[str]) -> None:
    """Check that the image and the tags named in the request exist."""
    if image_id is not None:
        validation.check_image(image_id, ())
    if tags:
        validation.check_image(None, tags)


def _packages(packages: Sequence[str]) -> str | None:
    joined = ','.join(packages)
    if len(joined) > _MAX_PACKAGES:
        raise exception.BadRequest(
            f'packages must have at most {_MAX_PACKAGES} characters together.')
    return joined or None


def _exists(datastore: str, name: str, number: str) -> exception.BadRequest:
    return exception.BadRequest(
        f"Datastore '{datastore}' already has a version '{name}' with version number "
        f"'{number}'.")
