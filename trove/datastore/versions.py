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

"""What an administrator does to datastore versions: make, change and remove them."""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception

from trove.common import engines, exception
from trove.datastore import models, validation
from trove.db import datastores, session
from trove.db.session import Connection, Row

CONF = cfg.CONF

#: Characters of the columns that hold lists, joined by commas.
_MAX_PACKAGES = 511


def create(asked: Mapping[str, Any]) -> str:
    """A new version; its datastore is made when there is none.

    :param asked: the request, as its schema allows it.
    :returns: its id.
    :raises trove.common.exception.BadRequest: naming what is wrong.
    """
    _check_manager(asked['datastore_manager'])
    if asked['datastore_name'] == 'versions':
        raise exception.BadRequest("A datastore cannot be called 'versions': its path is taken.")
    if asked.get('default') and not asked['active']:
        raise exception.BadRequest('A version that is not active cannot be the default.')
    image_id, tags = asked.get('image'), asked.get('image_tags') or []
    if image_id is None and not tags:
        raise exception.BadRequest('A version needs an image or image_tags.')
    _check_images(image_id, tags)
    settings = CONF[asked['datastore_manager']]
    columns = {
        'name': asked['name'],
        'version': asked.get('version') or asked['name'],
        'manager': asked['datastore_manager'],
        'image_id': image_id,
        'image_tags': ','.join(tags),
        'packages': _packages(asked.get('packages') or []),
        'active': asked['active'],
        'registry_ext': asked.get('registry_ext')
        or f'trove.guestagent.datastore.{asked["datastore_manager"]}',
        'repl_strategy': asked.get('repl_strategy') or settings.replication_strategy
    }

    def write(connection: Connection) -> str:
        datastore_id = datastores.ensure_datastore(connection, asked['datastore_name'])
        version_id = datastores.create_version(connection, datastore_id, columns)
        if asked.get('default'):
            datastores.set_default_version(connection, datastore_id, version_id)
        return version_id

    try:
        return session.write(write)
    except db_exception.DBDuplicateEntry:
        raise _exists(asked['datastore_name'], columns['name'], columns['version']) from None


def change(version_id: str, asked: Mapping[str, Any]) -> None:
    """Change what is given of a version.

    With tags alone the image is not named any more, so that the tags decide.

    :raises trove.common.exception.BadRequest: no such version, or naming what is wrong.
    """
    row = session.read(models.version_by_id, version_id)
    columns = _changed_columns(row, asked)
    if asked.get('default') and not columns.get('active', row.active):
        raise exception.BadRequest('A version that is not active cannot be the default.')

    def write(connection: Connection) -> None:
        current = models.version_by_id(connection, version_id)
        datastores.change_version(connection, version_id, **columns)
        if asked.get('default'):
            datastores.set_default_version(connection, current.datastore_id, version_id)
        elif asked.get('default') is False and current.default_version_id == version_id:
            datastores.set_default_version(connection, current.datastore_id, None)

    try:
        session.write(write)
    except db_exception.DBDuplicateEntry:
        raise _exists(row.datastore_name, columns.get('name', row.name), row.version) from None


def _changed_columns(row: Row, asked: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        key: asked[key]
        for key in ('name', 'active', 'registry_ext', 'repl_strategy')
        if key in asked
    }
    if 'datastore_manager' in asked:
        _check_manager(asked['datastore_manager'])
        columns['manager'] = asked['datastore_manager']
    if 'packages' in asked:
        columns['packages'] = _packages(asked['packages'])
    if 'image_tags' in asked:
        columns['image_tags'] = ','.join(asked['image_tags'])
        if asked['image_tags'] and 'image' not in asked:
            columns['image_id'] = None
    if 'image' in asked:
        columns['image_id'] = asked['image']
    if columns.get('image_id',
                   row.image_id) is None and not columns.get('image_tags', row.image_tags):
        raise exception.BadRequest('A version needs an image or image_tags.')
    _check_images(asked.get('image'), asked.get('image_tags') or [])
    return columns


def delete(version_id: str) -> None:
    """Remove a version that nothing live refers to, with its parameters.

    :raises trove.common.exception.BadRequest: no such version, or it is in use.
    """
    def write(connection: Connection) -> None:
        row = models.version_by_id(connection, version_id)
        used = {
            name: number
            for name, number in datastores.uses_of_version(connection, row.id).items()
            if number
        }
        if used:
            told = ', '.join(f'{number} {name}' for name, number in used.items())
            raise exception.BadRequest(
                f'Datastore version {row.id} cannot be deleted: it is used by {told}.')
        datastores.delete_version(connection, row.id)

    session.write(write)


def _check_manager(manager: str) -> None:
    if manager not in engines.known():
        raise exception.BadRequest(f"datastore_manager '{manager}' is not one of "
                                   f"{', '.join(sorted(engines.known()))}.")


def _check_images(image_id: str | None, tags: Sequence[str]) -> None:
    """What is named must be there, the image and the tags."""
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
