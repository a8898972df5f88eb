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

"""The operation journal: every piece of long work, its steps, and the events that users see."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp, uuid_key, with_defaults


class Operation(Base):
    """One piece of long work on one resource.

    ``active`` is 1 while the operation is open and NULL afterwards, so the unique constraint allows one open operation
    per resource and any number of closed ones on every engine. ``claim`` is the fencing number: it grows with every
    take, and only the holder of the newest claim may write.
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
    #: JSON list of the step names of the flow this operation was opened with
    steps: Mapped[str] = mapped_column(Text)
    #: one of trove.common.states.OperationState
    state: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(Integer, default=0)
    #: number of the present step's try, from 0: part of the ids of what is asked on its behalf
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    #: tries of the present step that failed since it last got anywhere
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default=text('0'))
    #: JSON object, what was asked for; never a secret
    args: Mapped[str] = mapped_column(LongText)
    #: what was asked for that is secret, sealed under the instance's key; dropped when the operation closes
    secrets: Mapped[str | None] = mapped_column(LongText)
    #: JSON object, what the steps found and made
    facts: Mapped[str] = mapped_column(LongText)
    active: Mapped[int | None] = mapped_column(Integer)
    owner: Mapped[str | None] = mapped_column(String(128))
    claim: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    #: when somebody last reported something this operation may be waiting for; NULL once a step has begun after it
    nudged_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: when the present step began to wait
    waiting_since: Mapped[datetime | None] = mapped_column(Timestamp)
    deadline: Mapped[datetime] = mapped_column(Timestamp)
    cancel_wanted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    #: JSON of the operation to open in the transaction that closes this one
    successor: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_text: Mapped[str | None] = mapped_column(String(1024))
    error_detail: Mapped[str | None] = mapped_column(LongText)
    request_id: Mapped[str | None] = mapped_column(String(64))
    actor: Mapped[str | None] = mapped_column(String(64))
    #: where the request came from, for notifications
    client_address: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Timestamp)
    updated: Mapped[datetime] = mapped_column(Timestamp)
    #: when its first step began
    started: Mapped[datetime | None] = mapped_column(Timestamp)
    finished: Mapped[datetime | None] = mapped_column(Timestamp)


class OperationStep(Base):
    """One attempt at one step. Written before the act (``outcome`` NULL) and closed after it.

    An attempt that waits is run again and again; ``runs`` counts that. ``busy_ms`` is the time spent in the step's own
    code, cloud and guest calls included, and ``late_ms`` the time between being due and being run: together they are
    the control plane's share of how long the operation took.
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
    """Something a user should be able to read about a resource later. Append only."""

    __tablename__ = 'events'
    __table_args__ = with_defaults(Index('ix_events_resource', 'resource_id', 'seq'))

    #: the order in which events were written
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
