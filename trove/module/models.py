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

"""Modules: lookup and changes; some options are reserved for administrators."""

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

#: option -> value that is reserved for administrators
_OF_ADMINISTRATORS = {
    'all_tenants': True,
    'auto_apply': True,
    'visible': False,
    'priority_apply': True
}
_FLAGS = ('auto_apply', 'visible', 'live_update', 'priority_apply')


# --- finding -------------------------------------------------------------------------------------

def find(context: Any, module_id: str) -> Row:
    """Return a live module that the caller may see.

    Users see visible modules of their project and of all projects; administrators see all.

    :raises trove.common.exception.NotFound: no such module.
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
    """Return the contents of a module as they were sent."""
    sealed = session.read(modules.contents, row.id)
    if not sealed:
        raise exception.not_found(row.id)
    return clients.key_ring().open(row.id, sealed).decode()


# --- changing ------------------------------------------------------------------------------------

def create(context: Any, requested: Mapping[str, Any], *, dry_run: bool = False) -> str:
    """Create a module.

    :param requested: body of the request, without its wrapper key.
    :param dry_run: check everything, write nothing.
    :returns: id of the module.
    :raises trove.common.exception.NotFound: no such type or datastore.
    :raises trove.common.exception.BadRequest: the module exists already, or a value is wrong.
    :raises trove.common.exception.Forbidden: an option is reserved for administrators.
    """
    module_id = str(uuid.uuid4())
    is_admin = _is_for_administrators(context, requested)

    def write(connection: Connection) -> None:
        datastore_id, version_id = _datastore(connection, requested.get('datastore'))
        modules.create(
            connection, {
                'id': module_id,
                'name': requested['name'],
                'type': _type(requested['module_type']),
                'description': requested.get('description'),
                'tenant_id': None if requested.get('all_tenants') else context.project_id,
                'datastore_id': datastore_id,
                'datastore_version_id': version_id,
                'auto_apply': bool(requested.get('auto_apply', 0)),
                'visible': bool(requested.get('visible', 1)),
                'live_update': bool(requested.get('live_update', 0)),
                'priority_apply': bool(requested.get('priority_apply', 0)),
                'apply_order': requested.get('apply_order', 5),
                'is_admin': is_admin,
                **_sealed(module_id, requested['contents'])
            }, session.utcnow())

    if dry_run:
        session.dry_run(write)
    else:
        session.write(write)
    return module_id


def update(context: Any, module_id: str, requested: Mapping[str, Any]) -> None:
    """Change the given fields of a module. Raise as :func:`create` does.

    :raises trove.common.exception.Forbidden: also for an administrator's module, and for new
        contents of an applied module without ``live_update``.
    """
    def write(connection: Connection) -> None:
        row = _seen(context, module_id, modules.get(connection, module_id, for_update=True))
        is_admin = _is_for_administrators(context, requested, row)
        changed = _changed(connection, context, row, requested)
        changed['is_admin'] = is_admin
        _check_contents(connection, row, changed)
        whole = {key: changed.get(key, getattr(row, key))
                 for key in ('name', 'type', 'tenant_id', 'datastore_id', 'datastore_version_id')}
        modules.change(connection, row.id, whole, changed, session.utcnow())

    session.write(write)


def _changed(connection: Connection, context: Any, row: Row,
             requested: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {
        key: requested[key]
        for key in ('name', 'description', 'apply_order')
        if key in requested
    }
    changed.update({key: bool(requested[key]) for key in _FLAGS if key in requested})
    kind = requested.get('module_type', requested.get('type'))
    if kind is not None:
        changed['type'] = _type(kind)
    if 'all_tenants' in requested:
        changed['tenant_id'] = (None if requested['all_tenants'] else
                                row.tenant_id or context.project_id)
    if 'contents' in requested:
        changed.update(_sealed(row.id, requested['contents']))
    changed.update(_moved(connection, row, requested))
    return changed


def _moved(connection: Connection, row: Row, requested: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the requested datastore and version."""
    if requested.get('all_datastores'):
        if requested.get('datastore'):
            raise exception.BadRequest(
                "module['datastore'] and module['all_datastores'] cannot be given together.")
        return {'datastore_id': None, 'datastore_version_id': None}
    if requested.get('all_datastore_versions'):
        if requested.get('datastore', {}).get('version'):
            raise exception.BadRequest(
                "module['datastore']['version'] and module['all_datastore_versions'] cannot be "
                "given together.")
        datastore_id, _ = _datastore(connection, requested.get('datastore'))
        return {'datastore_id': datastore_id or row.datastore_id, 'datastore_version_id': None}
    if 'datastore' not in requested:
        return {}
    datastore_id, version_id = _datastore(connection, requested['datastore'])
    return {'datastore_id': datastore_id, 'datastore_version_id': version_id}


def _check_contents(connection: Connection, row: Row, changed: Mapping[str, Any]) -> None:
    if changed.get('md5', row.md5) == row.md5 or row.live_update or changed.get('live_update'):
        return
    if modules.count_instances(connection, row.id, row.md5):
        raise exception.Forbidden(
            f'The contents of module {row.id} cannot be changed while instances have it; '
            f'set live_update, or remove it from them first.')


def delete(context: Any, row: Row) -> None:
    """Delete a module.

    :raises trove.common.exception.Forbidden: the module is an administrator's, or applied to
        instances without ``live_update``.
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


# --- checks --------------------------------------------------------------------------------------

def _require_changeable(context: Any, row: Row) -> None:
    if row.is_admin and not context.is_admin:
        raise exception.Forbidden(
            f'Module {row.id} was made by an administrator, who alone may change it.')


def _is_for_administrators(context: Any, requested: Mapping[str, Any],
                           row: Row | None = None) -> bool:
    """Return whether the module will be an administrator's.

    :param row: present row of a module that is changed.
    :raises trove.common.exception.Forbidden: an option or the module is reserved for
        administrators.
    :raises trove.common.exception.BadRequest: ``full_access`` with another reserved option.
    """
    if row is not None:
        _require_changeable(context, row)
    used = sorted(key for key, value in _OF_ADMINISTRATORS.items()
                  if key in requested and bool(requested[key]) is value)
    full_access = bool(requested['full_access']) if 'full_access' in requested else None
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
    """Return the ids of the datastore and the version of a module, None for all."""
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
    """Return the columns of the contents.

    :raises trove.common.exception.OverLimit: the contents do not fit into a message to a guest.
    """
    data = contents.encode()
    if len(data) > module_messages.MAX_CONTENTS:
        raise exception.OverLimit(f"module['contents'] has {len(data)} bytes; the maximum is "
                                  f"{module_messages.MAX_CONTENTS}.")
    return {'contents': clients.key_ring().seal(module_id, data),
            'md5': hashlib.md5(data, usedforsecurity=False).hexdigest()}
