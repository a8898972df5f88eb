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

"""Operation journal: operations, their steps, and the events shown to users."""

from datetime import datetime

from sqlalchemy import (BigInteger, Boolean, Index, Integer, String, Text, UniqueConstraint, false,
                        text)
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp, uuid_key, with_defaults


class Operation(Base):
    """Operation on one resource.

    ``active`` is 1 while the operation is open and NULL afterwards: the unique constraint allows
    one open operation per resource and any number of closed ones. ``claim`` is the fencing number:
    it grows with every claim, and only the owner of the newest claim may write.
    """

    __tablename__ = 'operations'
    __table_args__ = with_defaults(
        UniqueConstraint('resource_type', 'resource_id', 'active', name='uq_operations_open'),
        Index('ix_operations_due', 'active', 'due_at'),
        Index('ix_operations_resource', 'resource_id', 'created'),
    )

    id: Mapped[str] = uuid_key()
    project_id: Mapped[str | None] = mapped_column(String(36))
    resource_type: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[str] = mapped_column(String(64))
    parent_id: Mapped[str | None] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    flow_version: Mapped[int] = mapped_column(Integer)
    #: JSON list of the step names of its flow
    steps: Mapped[str] = mapped_column(Text)
    #: one of trove.common.states.OperationState
    state: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(Integer, default=0)
    #: number of the current try of the step, from 0: part of the ids of its commands
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    #: failed tries of the current step since its last progress
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default=text('0'))
    #: JSON object of the arguments, without secrets
    args: Mapped[str] = mapped_column(LongText)
    #: sealed secret arguments; erased when the operation closes
    secrets: Mapped[str | None] = mapped_column(LongText)
    #: JSON object of the facts recorded by the steps
    facts: Mapped[str] = mapped_column(LongText)
    active: Mapped[int | None] = mapped_column(Integer)
    owner: Mapped[str | None] = mapped_column(String(128))
    claim: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    #: time of the last report that the operation may wait for; cleared by the start of a step
    nudged_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: time at which the current step began to wait
    waiting_since: Mapped[datetime | None] = mapped_column(Timestamp)
    deadline: Mapped[datetime] = mapped_column(Timestamp)
    cancel_wanted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    #: JSON arguments of the operation to open when this one closes
    successor: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_text: Mapped[str | None] = mapped_column(String(1024))
    error_detail: Mapped[str | None] = mapped_column(LongText)
    request_id: Mapped[str | None] = mapped_column(String(64))
    actor: Mapped[str | None] = mapped_column(String(64))
    #: client address, for notifications
    client_address: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    #: start of the first step
    started: Mapped[datetime | None] = mapped_column(Timestamp)
    finished: Mapped[datetime | None] = mapped_column(Timestamp)


class OperationStep(Base):
    """Attempt at a step: inserted before the act with ``outcome`` NULL, closed after it.

    A waiting attempt runs repeatedly; ``runs`` counts the runs. ``busy_ms`` is the time in the code
    of the step, including calls to the cloud and the guest. ``late_ms`` is the time between due and
    run. Their sum is the control plane's share of the duration.
    """

    __tablename__ = 'operation_steps'

    operation_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(Integer)
    #: done, wait, retry, failed, undone, lost, cancelled; NULL while it runs
    outcome: Mapped[str | None] = mapped_column(String(16))
    started: Mapped[datetime] = mapped_column(Timestamp)
    ended: Mapped[datetime | None] = mapped_column(Timestamp)
    runs: Mapped[int] = mapped_column(Integer, default=0)
    busy_ms: Mapped[int] = mapped_column(Integer, default=0)
    late_ms: Mapped[int] = mapped_column(Integer, default=0)
    note: Mapped[str | None] = mapped_column(String(1024))


class Event(Base):
    """Event of a resource, for its users. Rows are never changed."""

    __tablename__ = 'events'
    __table_args__ = with_defaults(Index('ix_events_resource', 'resource_id', 'seq'))

    #: order of insertion
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, 'sqlite'), primary_key=True,
                                     autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    resource_type: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[str] = mapped_column(String(64))
    project_id: Mapped[str | None] = mapped_column(String(36))
    operation_id: Mapped[str | None] = mapped_column(String(36))
    time: Mapped[datetime] = mapped_column(Timestamp)
    type: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(1024))
    actor: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
