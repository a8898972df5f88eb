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

"""Modules, and the instances that they are applied to."""

import contextlib
import hashlib
import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from oslo_db import exception as db_exception
from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, true, update

from trove.common import exception
from trove.db.tables.datastores import Datastore, DatastoreVersion
from trove.db.tables.instances import Instance
from trove.db.tables.modules import InstanceModule, Module

LOG = logging.getLogger(__name__)
MODULES = Module.__table__
LINKS = InstanceModule.__table__
INSTANCES = Instance.__table__
VERSIONS = DatastoreVersion.__table__
DATASTORES = Datastore.__table__

#: All columns but the contents, which may have megabytes.
_COLUMNS = [column for column in MODULES.c if column.name != 'contents']
_SHOWN = (select(*_COLUMNS, DATASTORES.c.name.label('datastore_name'),
                 VERSIONS.c.name.label('version_name')).select_from(
                     MODULES.outerjoin(DATASTORES,
                                       DATASTORES.c.id == MODULES.c.datastore_id).outerjoin(
                                           VERSIONS,
                                           VERSIONS.c.id == MODULES.c.datastore_version_id)).where(
                                               MODULES.c.deleted.is_(False)))

#: Filter for modules of every datastore.
EVERY = 'all'


def identity(values: Mapping[str, Any]) -> str:
    """Return a digest that is unique among live modules; unlike in a database, NULL equals NULL.
    """
    parts = [
        values[key] or ''
        for key in ('name', 'type', 'tenant_id', 'datastore_id', 'datastore_version_id')
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, module_id: str, *, for_update: bool = False) -> Row | None:
    """Return a live module without its contents. Index: primary key.

    :param for_update: lock the row until the caller's transaction ends.
    """
    statement = _SHOWN.where(MODULES.c.id == module_id)
    return connection.execute(statement.with_for_update(
        of=MODULES) if for_update else statement).first()


def contents(connection: Connection, module_id: str) -> str | None:
    """Return the sealed contents of a module."""
    return connection.execute(select(MODULES.c.contents).where(MODULES.c.id == module_id)).scalar()


def _visible_to(tenant_id: str) -> Any:
    return and_(or_(MODULES.c.tenant_id == tenant_id, MODULES.c.tenant_id.is_(None)),
                MODULES.c.visible.is_(True))


def listed(connection: Connection, tenant_id: str | None, *, datastore_id: str | None = None,
           name: str | None = None, kind: str | None = None) -> Sequence[Row]:
    """Return live modules by name. Index: ix_modules_tenant_id.

    :param tenant_id: limit to modules visible to this project; None for all.
    :param datastore_id: limit to one datastore; :data:`EVERY` for modules of every datastore.
    """
    statement = _SHOWN.order_by(MODULES.c.name, MODULES.c.id)
    if tenant_id is not None:
        statement = statement.where(_visible_to(tenant_id))
    if datastore_id is not None:
        statement = statement.where(MODULES.c.datastore_id.is_(None) if datastore_id == EVERY else
                                    MODULES.c.datastore_id == datastore_id)
    for column, value in (('name', name), ('type', kind)):
        if value is not None:
            statement = statement.where(MODULES.c[column] == value)
    return connection.execute(statement).all()


def by_ids(connection: Connection, module_ids: Iterable[str],
           tenant_id: str | None) -> Sequence[Row]:
    """Return the modules of some ids that a project may see; None for an administrator."""
    statement = _SHOWN.where(MODULES.c.id.in_(list(module_ids)))
    return connection.execute(statement if tenant_id is
                              None else statement.where(_visible_to(tenant_id))).all()


def automatic(connection: Connection, tenant_id: str, datastore_id: str,
              version_id: str) -> Sequence[Row]:
    """Return the modules applied to every new instance of a project and version."""
    return connection.execute(
        _SHOWN.where(
            MODULES.c.auto_apply.is_(True),
            or_(MODULES.c.tenant_id == tenant_id, MODULES.c.tenant_id.is_(None)),
            or_(MODULES.c.datastore_id == datastore_id, MODULES.c.datastore_id.is_(None)),
            or_(MODULES.c.datastore_version_id == version_id,
                MODULES.c.datastore_version_id.is_(None)))).all()


# --- writing -------------------------------------------------------------------------------------

def create(connection: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """Insert a module.

    :raises trove.common.exception.BadRequest: a module of the same identity exists.
    """
    with _unique(values):
        connection.execute(
            insert(MODULES).values(**values, identity=identity(values), created=now, updated=now))


def change(connection: Connection, module_id: str, whole: Mapping[str, Any],
           changed: Mapping[str, Any], now: datetime) -> None:
    """Update columns of a module.

    :param whole: new values of the columns that decide its identity.
    :raises trove.common.exception.BadRequest: a module of the same identity exists.
    """
    with _unique(whole):
        connection.execute(update(MODULES).where(MODULES.c.id == module_id)
                           .values(**changed, identity=identity(whole), updated=now))


@contextlib.contextmanager
def _unique(values: Mapping[str, Any]) -> Iterator[None]:
    """Translate a duplicate into an API error."""
    try:
        yield
    except db_exception.DBDuplicateEntry:
        raise exception.BadRequest(
            f"A module '{values['name']}' of the same type, project and datastore exists "
            f"already; give it another name.") from None


def mark_deleted(connection: Connection, module_id: str, now: datetime) -> None:
    """Mark a module deleted: delete its contents and links, keep its row."""
    connection.execute(delete(LINKS).where(LINKS.c.module_id == module_id))
    connection.execute(
        update(MODULES).where(MODULES.c.id == module_id).values(
            deleted=true(), deleted_at=now, updated=now, identity=None, contents=''))


# --- links to instances --------------------------------------------------------------------------

def _linked(module_id: str, tenant_id: str | None, include_clustered: bool) -> Any:
    conditions = [LINKS.c.module_id == module_id, INSTANCES.c.id == LINKS.c.instance_id,
                  INSTANCES.c.deleted.is_(False)]
    if tenant_id is not None:
        conditions.append(INSTANCES.c.tenant_id == tenant_id)
    if not include_clustered:
        conditions.append(INSTANCES.c.cluster_id.is_(None))
    return and_(*conditions)


def count_instances(connection: Connection, module_id: str, md5: str | None = None) -> int:
    """Return the number of live instances with a module. Index: ix_instance_modules_module_id.

    :param md5: count only instances with these contents.
    """
    statement = select(func.count()).select_from(LINKS).where(_linked(module_id, None, True))
    return connection.execute(statement if md5 is None else statement.where(
        LINKS.c.md5 == md5)).scalar() or 0


def instances_of(connection: Connection, module_id: str, tenant_id: str | None, *, limit: int,
                 marker: str = '', include_clustered: bool = False,
                 other_than_md5: str | None = None, md5: str | None = None) -> list[str]:
    """Return ids of live instances with a module, ascending. Index: ix_instance_modules_module_id.

    :param tenant_id: limit to one project; None for all.
    :param other_than_md5: omit instances with these contents.
    :param md5: limit to instances with these contents.
    """
    statement = select(INSTANCES.c.id).where(_linked(module_id, tenant_id, include_clustered),
                                             INSTANCES.c.id > marker)
    if other_than_md5 is not None:
        statement = statement.where(LINKS.c.md5 != other_than_md5)
    if md5 is not None:
        statement = statement.where(LINKS.c.md5 == md5)
    return list(connection.execute(statement.order_by(INSTANCES.c.id).limit(limit)).scalars())


def counts(connection: Connection, module_id: str, tenant_id: str | None,
           include_clustered: bool) -> Sequence[Row]:
    """Return (md5, number, oldest, newest) of the live instances with a module, by contents."""
    return connection.execute(
        select(LINKS.c.md5,
               func.count().label('number'),
               func.min(LINKS.c.updated).label('oldest'),
               func.max(LINKS.c.updated).label('newest')).where(
                   _linked(module_id, tenant_id,
                           include_clustered)).group_by(LINKS.c.md5).order_by(LINKS.c.md5)).all()


def link(connection: Connection, instance_id: str, module_id: str, md5: str, now: datetime) -> None:
    """Record that a module with these contents is applied to an instance."""
    mine = (LINKS.c.instance_id == instance_id, LINKS.c.module_id == module_id)
    # Select first: an UPDATE without a match would lock the gap into which another request inserts.
    if connection.execute(select(LINKS.c.id).where(*mine)).first() is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(LINKS).values(id=str(uuid.uuid4()), instance_id=instance_id,
                                         module_id=module_id, md5=md5, created=now, updated=now))
            return
        except db_exception.DBDuplicateEntry:
            LOG.debug('Module %s was linked to instance %s by another request first.', module_id,
                      instance_id)
    connection.execute(update(LINKS).where(*mine).values(md5=md5, updated=now))


def unlink(connection: Connection, instance_id: str, module_id: str) -> bool:
    """Delete the link of a module to an instance; return False if no link exists."""
    return bool(connection.execute(delete(LINKS).where(LINKS.c.instance_id == instance_id,
                                                       LINKS.c.module_id == module_id)).rowcount)


# --- keys ----------------------------------------------------------------------------------------

def not_sealed_as(connection: Connection, pattern: str) -> list[str]:
    """Return ids of modules with contents that are sealed differently.

    Contents may have megabytes and are not read here.

    :param pattern: LIKE pattern of the current seal.
    """
    return list(connection.execute(select(MODULES.c.id).where(
        MODULES.c.deleted.is_(False), MODULES.c.contents.not_like(pattern))).scalars())


def set_sealed(connection: Connection, module_id: str, former: str, renewed: str) -> None:
    """Replace sealed contents, unless another transaction has replaced them meanwhile."""
    connection.execute(
        update(MODULES).where(MODULES.c.id == module_id,
                              MODULES.c.contents == former).values(contents=renewed))
