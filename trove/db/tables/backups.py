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

"""Backups of instances, and their default destinations."""

from datetime import datetime

from sqlalchemy import Boolean, Float, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, Timestamp, uuid_key, with_defaults


class Backup(Base):
    __tablename__ = 'backups'
    __table_args__ = with_defaults(
        Index('ix_backups_tenant_page', 'tenant_id', 'deleted', 'updated', 'id'))

    id: Mapped[str] = uuid_key()
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(String(512))
    location: Mapped[str | None] = mapped_column(String(1024))
    backup_type: Mapped[str | None] = mapped_column(String(32))
    #: GB
    size: Mapped[float | None] = mapped_column(Float)
    tenant_id: Mapped[str] = mapped_column(String(36))
    #: NEW, BUILDING, SAVING, COMPLETED, FAILED, DELETE_FAILED, RESTORED
    state: Mapped[str] = mapped_column(String(32))
    instance_id: Mapped[str | None] = mapped_column(String(36), index=True)
    checksum: Mapped[str | None] = mapped_column(String(128))
    parent_id: Mapped[str | None] = mapped_column(String(36), index=True)
    datastore_version_id: Mapped[str | None] = mapped_column(String(36),
                                                             ForeignKey('datastore_versions.id'))
    storage_driver: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: reason of the failure: one of trove.common.errors.CODES, and a sentence for the user
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_text: Mapped[str | None] = mapped_column(String(1024))


class BackupStrategy(Base):
    """Default destination of backups, of a project or of one of its instances."""

    __tablename__ = 'backup_strategy'
    __table_args__ = with_defaults(
        UniqueConstraint('tenant_id', 'instance_id', name='uq_backup_strategy_tenant_instance'))

    id: Mapped[str] = uuid_key()
    tenant_id: Mapped[str] = mapped_column(String(36))
    #: empty for the whole project: NULL would not be unique
    instance_id: Mapped[str] = mapped_column(String(36), default='', server_default='')
    backend: Mapped[str] = mapped_column(String(255))
    swift_container: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
