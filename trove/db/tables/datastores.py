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

"""Datastores, their versions and restrictions, and the flavors and volume types of the cloud."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, Timestamp, uuid_key, with_defaults


class Datastore(Base):
    __tablename__ = 'datastores'

    id: Mapped[str] = uuid_key()
    name: Mapped[str] = mapped_column(String(255), unique=True)
    default_version_id: Mapped[str | None] = mapped_column(String(36))


class DatastoreVersion(Base):
    """Version of a datastore: image, manager and features."""

    __tablename__ = 'datastore_versions'
    __table_args__ = with_defaults(
        UniqueConstraint('datastore_id', 'name', 'version', name='ds_versions'))

    id: Mapped[str] = uuid_key()
    datastore_id: Mapped[str] = mapped_column(String(36), ForeignKey('datastores.id'))
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[str] = mapped_column(String(255))
    manager: Mapped[str] = mapped_column(String(255))
    image_id: Mapped[str | None] = mapped_column(String(36))
    image_tags: Mapped[str | None] = mapped_column(String(255))
    packages: Mapped[str | None] = mapped_column(String(511))
    active: Mapped[bool] = mapped_column(Boolean)
    registry_ext: Mapped[str] = mapped_column(Text)
    repl_strategy: Mapped[str] = mapped_column(Text)


class DatastoreVersionMetadata(Base):
    """Flavors (key ``flavor``) and volume types (key ``volume_type``) of a version; none = all."""

    __tablename__ = 'datastore_version_metadata'
    __table_args__ = with_defaults(UniqueConstraint('datastore_version_id', 'key', 'value',
                                                    name='datastore_version_metadata_unique'))

    id: Mapped[str] = uuid_key()
    datastore_version_id: Mapped[str] = mapped_column(
        String(36), ForeignKey('datastore_versions.id', ondelete='CASCADE'))
    key: Mapped[str] = mapped_column(String(128))
    value: Mapped[str | None] = mapped_column(String(128))
    created: Mapped[datetime] = mapped_column(Timestamp)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp)


class DatastoreConfigurationParameter(Base):
    """Rule of one parameter of a version."""

    __tablename__ = 'datastore_configuration_parameters'
    __table_args__ = with_defaults(
        UniqueConstraint('datastore_version_id', 'name',
                         name='uq_datastore_configuration_parameters_name'))

    id: Mapped[str] = uuid_key()
    name: Mapped[str] = mapped_column(String(128))
    datastore_version_id: Mapped[str] = mapped_column(String(36),
                                                      ForeignKey('datastore_versions.id'))
    restart_required: Mapped[bool] = mapped_column(Boolean)
    max_size: Mapped[str | None] = mapped_column(String(40))
    min_size: Mapped[str | None] = mapped_column(String(40))
    data_type: Mapped[str] = mapped_column(String(128))


class Flavor(Base):
    """Flavors as last read from Nova by the task manager; the API returns these rows."""

    __tablename__ = 'flavors'

    region: Mapped[str] = mapped_column(String(255), primary_key=True)
    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    #: MB
    ram: Mapped[int] = mapped_column(Integer)
    vcpus: Mapped[int] = mapped_column(Integer)
    #: GB
    disk: Mapped[int] = mapped_column(Integer)
    #: GB
    ephemeral: Mapped[int] = mapped_column(Integer)
    is_public: Mapped[bool] = mapped_column(Boolean)
    seen: Mapped[datetime] = mapped_column(Timestamp)


class VolumeType(Base):
    """Volume types as last read from Cinder by the task manager."""

    __tablename__ = 'volume_types'

    region: Mapped[str] = mapped_column(String(255), primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    is_public: Mapped[bool] = mapped_column(Boolean)
    description: Mapped[str | None] = mapped_column(String(255))
    seen: Mapped[datetime] = mapped_column(Timestamp)
