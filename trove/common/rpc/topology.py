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

"""The names on the guest bus, in one place, and how its queues are made."""

from typing import Any

#: Where answers of guests go through on their way to the caller's reply queue.
REPLY_EXCHANGE = 'guest.reply'


def user(instance_id: str) -> str:
    """The guest's account at the broker."""
    return f'guest-{instance_id}'


def in_exchange(instance_id: str) -> str:
    """Control plane → guest."""
    return f'g.{instance_id}'


def out_exchange(instance_id: str) -> str:
    """Guest → control plane; the only thing the guest may write to."""
    return f'g.{instance_id}.out'


def queue(instance_id: str) -> str:
    """The queue a guest listens on, which is also its RPC topic."""
    return f'guestagent.{instance_id}'


def guest_queue_arguments(length: int) -> dict[str, Any]:
    """:param length: messages kept while nobody listens; the oldest are dropped."""
    return {'x-queue-type': 'quorum', 'x-max-length': length, 'x-overflow': 'drop-head'}


def conductor_queue_arguments(length: int) -> dict[str, Any]:
    """:param length: as for :func:`guest_queue_arguments`."""
    return {'x-queue-type': 'quorum', 'x-max-length': length, 'x-overflow': 'drop-head'}
