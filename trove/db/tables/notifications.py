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

"""Notifications that are to be sent: written with what they tell about, sent afterwards, and then deleted."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from trove.db.tables.base import Base, LongText, Timestamp


class Notification(Base):
    """One message of the notification bus that was not sent yet."""

    __tablename__ = 'notifications'

    #: the order in which they were written
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, 'sqlite'), primary_key=True,
                                     autoincrement=True)
    #: ``message_id`` of the message, the same however often it is sent
    id: Mapped[str] = mapped_column(String(36), unique=True)
    event_type: Mapped[str] = mapped_column(String(128))
    publisher_id: Mapped[str] = mapped_column(String(255))
    #: JSON object; never a secret
    payload: Mapped[str] = mapped_column(LongText)
    created: Mapped[datetime] = mapped_column(Timestamp)
