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

"""Database instances and their addresses, last report, last fault and root history."""

from datetime import datetime

from sqlalchemy import (BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, false, text,
                        true)
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp, uuid_key, with_defaults


class Instance(Base):
    """Database instance; ``id`` is also the guest's id and part of its cloud resources' names."""

    __tablename__ = 'instances'
    __table_args__ = with_defaults(
        Index('ix_instances_tenant_page', 'tenant_id', 'deleted', 'id'),
        Index('ix_instances_replicas', 'slave_of_id', 'deleted'),
    )

    id: Mapped[str] = uuid_key()
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    name: Mapped[str] = mapped_column(String(255))
    hostname: Mapped[str | None] = mapped_column(String(255))
    tenant_id: Mapped[str] = mapped_column(String(36))
    user_id: Mapped[str | None] = mapped_column(String(64))
    region_id: Mapped[str | None] = mapped_column(String(255))
    availability_zone: Mapped[str | None] = mapped_column(String(255))

    # Copied from Nova at creation, because reads and deletes must not need Nova.
    compute_instance_id: Mapped[str | None] = mapped_column(String(36), index=True)
    server_status: Mapped[str | None] = mapped_column(String(64))
    server_group_id: Mapped[str | None] = mapped_column(String(36))
    image_id: Mapped[str | None] = mapped_column(String(36))
    flavor_id: Mapped[str] = mapped_column(String(255))
    ram: Mapped[int] = mapped_column(Integer)
    vcpus: Mapped[int] = mapped_column(Integer)

    volume_support: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    volume_id: Mapped[str | None] = mapped_column(String(36))
    volume_size: Mapped[int | None] = mapped_column(Integer)
    volume_type: Mapped[str | None] = mapped_column(String(255))

    datastore_version_id: Mapped[str | None] = mapped_column(String(36),
                                                             ForeignKey('datastore_versions.id'))
    #: Target version during an upgrade.
    desired_version_id: Mapped[str | None] = mapped_column(String(36))
    configuration_id: Mapped[str | None] = mapped_column(String(36),
                                                         ForeignKey('configurations.id'))
    slave_of_id: Mapped[str | None] = mapped_column(String(36), ForeignKey('instances.id'))
    cluster_id: Mapped[str | None] = mapped_column(String(36), index=True)
    shard_id: Mapped[str | None] = mapped_column(String(36))
    type: Mapped[str | None] = mapped_column(String(64))
    locality: Mapped[str | None] = mapped_column(String(32))

    #: The instance's key for the guest bus, sealed under ``inst_rpc_key_encr_key``.
    encrypted_key: Mapped[str | None] = mapped_column(String(255))
    #: Number of builds of the server; orders the boots of a rebuilt guest.
    boot_epoch: Mapped[int] = mapped_column(Integer, default=1, server_default=text('1'))
    #: Server id of the engine: unique within a replica set, constant over renderings.
    server_id_number: Mapped[int] = mapped_column(BigInteger)
    access: Mapped[str | None] = mapped_column(Text)
    security_group_id: Mapped[str | None] = mapped_column(String(36))

    #: Set by a failed operation, cleared by the next success; causes the status ERROR.
    error_code: Mapped[str | None] = mapped_column(String(64))
    #: Code of a change in the cloud outside of Trove; set and cleared by the periodic comparison.
    drift: Mapped[str | None] = mapped_column(String(64))
    #: Digest of the last values of the configuration group that the guest accepted.
    configuration_digest: Mapped[str | None] = mapped_column(String(64))
    restart_required: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deletion_protection: Mapped[bool] = mapped_column(Boolean, default=False,
                                                      server_default=false())
    ssl_mode: Mapped[str | None] = mapped_column(String(16))
    ssl_ref: Mapped[str | None] = mapped_column(Text)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)


class InstanceAddress(Base):
    """Address of a port. Lists read these rows, never Neutron."""

    __tablename__ = 'instance_addresses'
    __table_args__ = with_defaults(Index('ix_instance_addresses_instance_id', 'instance_id'))

    id: Mapped[str] = uuid_key()
    instance_id: Mapped[str] = mapped_column(String(36),
                                             ForeignKey('instances.id', ondelete='CASCADE'))
    #: management (never shown), private or public
    kind: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(45))
    family: Mapped[int] = mapped_column(Integer)
    port_id: Mapped[str | None] = mapped_column(String(36))
    network_id: Mapped[str | None] = mapped_column(String(36))
    subnet_id: Mapped[str | None] = mapped_column(String(36))
    mac: Mapped[str | None] = mapped_column(String(17))


class ServiceStatus(Base):
    """Last report of the guest, in a table of its own because every heartbeat writes it."""

    __tablename__ = 'service_statuses'

    instance_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    #: one of trove.common.states.ServiceStatus
    status: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(255))
    #: server time of the last accepted heartbeat; NULL before the first one
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp, index=True)
    boot_id: Mapped[str | None] = mapped_column(String(36))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    agent_version: Mapped[str | None] = mapped_column(String(64))
    engine_version: Mapped[str | None] = mapped_column(String(64))
    #: bytes
    volume_total: Mapped[int | None] = mapped_column(BigInteger)
    volume_used: Mapped[int | None] = mapped_column(BigInteger)
    #: time at which the guest was found silent; NULL while it reports
    unreachable_since: Mapped[datetime | None] = mapped_column(Timestamp)
    #: JSON object of all other reported values, at most 4 KiB
    facts: Mapped[str | None] = mapped_column(Text)


class InstanceFault(Base):
    """Last failure of an instance."""

    __tablename__ = 'instance_faults'

    instance_id: Mapped[str] = mapped_column(String(36),
                                             ForeignKey('instances.id', ondelete='CASCADE'),
                                             primary_key=True)
    created: Mapped[datetime] = mapped_column(Timestamp)
    message: Mapped[str] = mapped_column(String(1024))
    details: Mapped[str | None] = mapped_column(LongText)


class RootEnabledHistory(Base):
    """First user who enabled root, and the time; root is disabled if ``deleted_at`` is set."""

    __tablename__ = 'root_enabled_history'

    #: the instance's id
    id: Mapped[str] = uuid_key()
    user: Mapped[str | None] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(Timestamp)
    enabled_at: Mapped[datetime] = mapped_column(Timestamp)
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)


class ReplayMark(Base):
    """Newest accepted message of each guest and kind; older ones are replays or late."""

    __tablename__ = 'conductor_lastseen'

    instance_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    method_name: Mapped[str] = mapped_column(String(36), primary_key=True)
    boot_id: Mapped[str] = mapped_column(String(36))
    seq: Mapped[int] = mapped_column(BigInteger)


class CommandResult(Base):
    """Reported result of a command to a guest; the waiting step of the journal reads it."""

    __tablename__ = 'command_results'
    __table_args__ = with_defaults(Index('ix_command_results_operation_id', 'operation_id'),
                                   Index('ix_command_results_instance_id', 'instance_id'))

    command_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    instance_id: Mapped[str] = mapped_column(String(36))
    operation_id: Mapped[str | None] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(36))
    #: done or failed
    outcome: Mapped[str] = mapped_column(String(16))
    step: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(64))
    message: Mapped[str | None] = mapped_column(String(1024))
    data: Mapped[str | None] = mapped_column(Text)
    received: Mapped[datetime] = mapped_column(Timestamp)
