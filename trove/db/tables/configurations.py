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

"""Configuration groups and their values."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, Timestamp, uuid_key


class Configuration(Base):
    __tablename__ = 'configurations'

    id: Mapped[str] = uuid_key()
    name: Mapped[str] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(String(256))
    tenant_id: Mapped[str] = mapped_column(String(36), index=True)
    datastore_version_id: Mapped[str] = mapped_column(String(36),
                                                      ForeignKey('datastore_versions.id'))
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)


class ConfigurationParameter(Base):
    __tablename__ = 'configuration_parameters'

    configuration_id: Mapped[str] = mapped_column(String(36), ForeignKey('configurations.id'),
                                                  primary_key=True)
    configuration_key: Mapped[str] = mapped_column(String(128), primary_key=True)
    #: JSON text, so that the type survives
    configuration_value: Mapped[str | None] = mapped_column(String(1024))
