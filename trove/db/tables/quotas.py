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

"""Quotas and usage of projects.

One conditional UPDATE changes the usage in the transaction of the resource, so there are neither
races nor reservations.
"""

from datetime import datetime

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, Timestamp, uuid_key, with_defaults


class Quota(Base):
    """Override of the operator's default; -1 is unlimited."""

    __tablename__ = 'quotas'
    __table_args__ = with_defaults(
        UniqueConstraint('tenant_id', 'resource', name='uq_quotas_tenant_resource'))

    id: Mapped[str] = uuid_key()
    tenant_id: Mapped[str] = mapped_column(String(36))
    resource: Mapped[str] = mapped_column(String(255))
    hard_limit: Mapped[int] = mapped_column(Integer)
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)


class QuotaUsage(Base):
    __tablename__ = 'quota_usages'
    __table_args__ = with_defaults(
        UniqueConstraint('tenant_id', 'resource', name='uq_quota_usages_tenant_resource'))

    id: Mapped[str] = uuid_key()
    tenant_id: Mapped[str] = mapped_column(String(36))
    resource: Mapped[str] = mapped_column(String(255))
    in_use: Mapped[int] = mapped_column(Integer, default=0)
    reserved: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
