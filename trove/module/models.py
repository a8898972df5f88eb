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

"""Modules: find them, and make and change them by the rules of who may use which option."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.kinds import ResourceType
from trove.common.rpc import clients
from trove.common.rpc.messages import module as module_messages
from trove.datastore import models as datastore_models
from trove.db import modules, session
from trove.db.session import Connection, Row

CONF = cfg.CONF

RESOURCE = ResourceType.MODULE

#: option of administrators -> the value that makes it one
_OF_ADMINISTRATORS = {
    'all_tenants': True,
    'auto_apply': True,
    'visible': False,
    'priority_apply': True
}
_FLAGS = ('auto_apply', 'visible', 'live_update', 'priority_apply')


# --- finding -------------------------------------------------------------------------------------

def find(context: Any, module_id: str) -> Row:
    """A live module that the caller sees: of the project or of everybody, and not hidden; administrators see all.

    :raises trove.common.exception.NotFound:
    """
    return _seen(context, module_id, session.read(modules.get, module_id))


def _seen(context: Any, module_id: str, row: Row | None) -> Row:
    if row is None:
        raise exception.not_found(module_id)
    is_theirs = row.tenant_id in (None, context.project_id) and row.visible
    if not is_theirs and not context.is_admin:
        raise exception.not_found(module_id)
    return row


def contents_of(row: Row) -> str:
    """The contents of a module as they were sent."""
    sealed = session.read(modules.contents, row.id)
    if not sealed:
        raise exception.not_found(row.id)
    return clients.key_ring().open(row.id, sealed).decode()


# --- changing ------------------------------------------------------------------------------------

def create(context: Any, asked: Mapping[str, Any], *, dry_run: bool = False) -> str:
    """A new module.

    :param asked: the object of the request.
    :param dry_run: check everything, write nothing.
    :returns: its id.
    :raises trove.common.exception.NotFound: no such type or datastore.
    :raises trove.common.exception.BadRequest: there is one like it, or a value cannot be.
    :raises trove.common.exception.Forbidden: an option of administrators.
    """
    module_id = str(uuid.uuid4())
    is_admin = _is_for_administrators(context, asked)

    def write(connection: Connection) -> None:
        datastore_id, version_id = _datastore(connection, asked.get('datastore'))
        modules.create(
            connection, {
                'id': module_id,
                'name': asked['name'],
                'type': _type(asked['module_type']),
                'description': asked.get('description'),
                'tenant_id': None if asked.get('all_tenants') else context.project_id,
                'datastore_id': datastore_id,
                'datastore_version_id': version_id,
                'auto_apply': bool(asked.get('auto_apply', 0)),
                'visible': bool(asked.get('visible', 1)),
                'live_update': bool(asked.get('live_update', 0)),
                'priority_apply': bool(asked.get('priority_apply', 0)),
                'apply_order': asked.get('apply_order', 5),
                'is_admin': is_admin,
                **_sealed(module_id, asked['contents'])
            }, session.utcnow())

    if dry_run:
        session.dry_run(write)
    else:
        session.write(write)
    return module_id


def update(context: Any, module_id: str, asked: Mapping[str, Any]) -> None:
    """Change what is given of a module. See :func:`create`.

    :raises trove.common.exception.Forbidden: besides, an administrator's module; or new contents for one that instances
        have, without ``live_update``.
    """
    def write(connection: Connection) -> None:
        row = _seen(context, module_id, modules.get(connection, module_id, for_update=True))
        is_admin = _is_for_administrators(context, asked, row)
        changed = _changed(connection, context, row, asked)
        changed['is_admin'] = is_admin
        _check_contents(connection, row, changed)
        whole = {key: changed.get(key, getattr(row, key))
                 for key in ('name', 'type', 'tenant_id', 'datastore_id', 'datastore_version_id')}
        modules.change(connection, row.id, whole, changed, session.utcnow())

    session.write(write)


def _changed(connection: Connection, context: Any, row: Row, asked: Mapping[str,
                                                                            Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {
        key: asked[key]
        for key in ('name', 'description', 'apply_order')
        if key in asked
    }
    changed.update({key: bool(asked[key]) for key in _FLAGS if key in asked})
    kind = asked.get('module_type', asked.get('type'))
    if kind is not None:
        changed['type'] = _type(kind)
    if 'all_tenants' in asked:
        changed['tenant_id'] = None if asked['all_tenants'] else row.tenant_id or context.project_id
    if 'contents' in asked:
        changed.update(_sealed(row.id, asked['contents']))
    changed.update(_moved(connection, row, asked))
    return changed


def _moved(connection: Connection, row: Row, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The datastore and version that a change asks for."""
    if asked.get('all_datastores'):
        if asked.get('datastore'):
            raise exception.BadRequest(
                "module['datastore'] and module['all_datastores'] cannot be given together.")
        return {'datastore_id': None, 'datastore_version_id': None}
    if asked.get('all_datastore_versions'):
        if asked.get('datastore', {}).get('version'):
            raise exception.BadRequest(
                "module['datastore']['version'] and module['all_datastore_versions'] cannot be "
                "given together.")
        datastore_id, _ = _datastore(connection, asked.get('datastore'))
        return {'datastore_id': datastore_id or row.datastore_id, 'datastore_version_id': None}
    if 'datastore' not in asked:
        return {}
    datastore_id, version_id = _datastore(connection, asked['datastore'])
    return {'datastore_id': datastore_id, 'datastore_version_id': version_id}


def _check_contents(connection: Connection, row: Row, changed: Mapping[str, Any]) -> None:
    if changed.get('md5', row.md5) == row.md5 or row.live_update or changed.get('live_update'):
        return
    if modules.count_instances(connection, row.id, row.md5):
        raise exception.Forbidden(
            f'The contents of module {row.id} cannot be changed while instances have it; '
            f'set live_update, or remove it from them first.')


def delete(context: Any, row: Row) -> None:
    """End a module.

    :raises trove.common.exception.Forbidden: it is an administrator's, or instances have it and it has no
        ``live_update``.
    """
    _require_changeable(context, row)

    def write(connection: Connection) -> None:
        found = _seen(context, row.id, modules.get(connection, row.id, for_update=True))
        applied = modules.count_instances(connection, row.id)
        if applied and not found.live_update:
            raise exception.Forbidden(
                f'Module {row.id} cannot be deleted: {applied} instances have it. Remove it '
                f'from them first.')
        modules.mark_deleted(connection, row.id, session.utcnow())

    session.write(write)


# --- what a request may say ------------------------------------------------------------------------

def _require_changeable(context: Any, row: Row) -> None:
    if row.is_admin and not context.is_admin:
        raise exception.Forbidden(
            f'Module {row.id} was made by an administrator, who alone may change it.')


def _is_for_administrators(context: Any, asked: Mapping[str, Any], row: Row | None = None) -> bool:
    """Whether the module is an administrator's after this.

    :param row: the module as it is, of a change.
    :raises trove.common.exception.Forbidden: an option of administrators, or a module of one.
    :raises trove.common.exception.BadRequest: ``full_access`` with another such option.
    """
    if row is not None:
        _require_changeable(context, row)
    used = sorted(key for key, value in _OF_ADMINISTRATORS.items()
                  if key in asked and bool(asked[key]) is value)
    full_access = bool(asked['full_access']) if 'full_access' in asked else None
    if not context.is_admin and (used or full_access is not None):
        raise exception.Forbidden(
            f"module['{(used or ['full_access'])[0]}'] is an option of administrators.")
    if full_access and used:
        raise exception.BadRequest(
            f"module['full_access'] cannot be given together with module['{used[0]}'].")
    if full_access is not None:
        return not full_access
    return bool(used) or bool(row is not None and row.is_admin)


def _type(given: str) -> str:
    known = [kind.lower() for kind in CONF.module_types]
    if given.lower() not in known:
        raise exception.NotFound(
            f"Module type '{given[:255]}' cannot be found; there are {', '.join(known)}.")
    return given.lower()


def _datastore(connection: Connection,
               given: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """Ids of the datastore and the version a module is for, None for all."""
    given = given or {}
    if 'type' not in given:
        if 'version' in given:
            raise exception.BadRequest(
                "module['datastore']['version'] needs module['datastore']['type'].")
        return None, None
    datastore = datastore_models.find(connection, given['type'])
    if 'version' not in given:
        return datastore.id, None
    return datastore.id, datastore_models.find_version(connection, datastore, given['version']).id


def _sealed(module_id: str, contents: str) -> dict[str, str]:
    """The columns of contents.

    :raises trove.common.exception.OverLimit: no guest could be told them.
    """
    data = contents.encode()
    if len(data) > module_messages.MAX_CONTENTS:
        raise exception.OverLimit(f"module['contents'] has {len(data)} bytes; the maximum is "
                                  f"{module_messages.MAX_CONTENTS}.")
    return {'contents': clients.key_ring().seal(module_id, data),
            'md5': hashlib.md5(data, usedforsecurity=False).hexdigest()}
