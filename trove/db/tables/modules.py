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

"""Modules: named contents for the module drivers of the guests."""

from datetime import datetime

from sqlalchemy import (Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, false, text,
                        true)
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp, uuid_key, with_defaults


class Module(Base):
    __tablename__ = 'modules'
    __table_args__ = with_defaults(Index('ix_modules_tenant_id', 'tenant_id'))

    id: Mapped[str] = uuid_key()
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(String(255))
    #: contents of the request, sealed under the module's id
    contents: Mapped[str] = mapped_column(LongText)
    #: MD5 of the contents of the request
    md5: Mapped[str] = mapped_column(String(32))
    #: NULL for all projects
    tenant_id: Mapped[str | None] = mapped_column(String(36))
    #: NULL for all datastores, and for all versions
    datastore_id: Mapped[str | None] = mapped_column(String(36))
    datastore_version_id: Mapped[str | None] = mapped_column(String(36))
    auto_apply: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    visible: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    live_update: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    priority_apply: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    apply_order: Mapped[int] = mapped_column(Integer, default=5, server_default=text('5'))
    #: created with an option of administrators; only they may change the module
    is_admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: SHA-256 of the columns that are unique together; NULL after deletion
    identity: Mapped[str | None] = mapped_column(String(64), unique=True)


class InstanceModule(Base):
    """Module applied to an instance, and the MD5 of its contents."""

    __tablename__ = 'instance_modules'
    __table_args__ = with_defaults(
        UniqueConstraint('instance_id', 'module_id', name='uq_instance_modules_instance_module'),
        Index('ix_instance_modules_module_id', 'module_id'))

    id: Mapped[str] = uuid_key()
    instance_id: Mapped[str] = mapped_column(String(36),
                                             ForeignKey('instances.id', ondelete='CASCADE'))
    module_id: Mapped[str] = mapped_column(String(36), ForeignKey('modules.id', ondelete='CASCADE'))
    md5: Mapped[str] = mapped_column(String(32))
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
