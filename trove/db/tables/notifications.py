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

"""Outbox of notifications: stored with the change they describe, deleted once sent."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp


class Notification(Base):
    """Message that is not sent yet."""

    __tablename__ = 'notifications'

    #: order of insertion
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, 'sqlite'), primary_key=True,
                                     autoincrement=True)
    #: ``message_id``, the same in every repetition
    id: Mapped[str] = mapped_column(String(36), unique=True)
    event_type: Mapped[str] = mapped_column(String(128))
    publisher_id: Mapped[str] = mapped_column(String(255))
    #: JSON object; never a secret
    payload: Mapped[str] = mapped_column(LongText)
    created: Mapped[datetime] = mapped_column(Timestamp)
