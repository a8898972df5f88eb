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

"""Names of accounts, exchanges and queues on the guest bus, and their declaration."""

import re
from typing import Any

import amqp
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Exchange through which replies of guests reach the caller's reply queue.
REPLY_EXCHANGE = 'guest.reply'

#: Size limit of a queue, so that a guest cannot fill the broker's disk with large messages.
MAX_QUEUE_BYTES = 256 * 1024 * 1024

_NAMES = re.compile(
    r'(?:guest-|guestagent\.|g\.)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.out)?')


def user(instance_id: str) -> str:
    """Return the name of a guest's account at the broker."""
    return f'guest-{instance_id}'


def in_exchange(instance_id: str) -> str:
    """Return the exchange for messages to the guest."""
    return f'g.{instance_id}'


def out_exchange(instance_id: str) -> str:
    """Return the exchange for messages of the guest, the only one it may write to."""
    return f'g.{instance_id}.out'


def queue(instance_id: str) -> str:
    """Return the queue of a guest, which is also its RPC topic."""
    return f'guestagent.{instance_id}'


def parts(instance_id: str, conductor_topic: str) -> frozenset[str]:
    """Return the parts of a complete identity, labelled as :func:`binding` and ``<kind> <name>``.
    """
    account, commands, reports = user(instance_id), in_exchange(instance_id), out_exchange(
        instance_id)
    return frozenset((
        f'user {account}', f'permissions {account}', f'queue {queue(instance_id)}',
        f'exchange {commands}', f'exchange {reports}',
        binding(commands, queue(instance_id)), binding(reports, conductor_topic),
        binding(reports, REPLY_EXCHANGE)))


def binding(source: str, destination: str) -> str:
    """Return the label of a binding."""
    return f'binding {source} to {destination}'


def instance_of(name: str) -> str | None:
    """Return the instance id in the name of an account, queue or exchange; None if there is none.
    """
    found = _NAMES.fullmatch(name)
    return found[1] if found else None


def queue_arguments(kind: str, length: int) -> dict[str, Any]:
    """Return the arguments of a queue.

    :param kind: classic or quorum.
    :param length: maximum number of messages; the oldest are dropped.
    """
    return {'x-queue-type': kind, 'x-max-length': length, 'x-max-length-bytes': MAX_QUEUE_BYTES,
            'x-overflow': 'drop-head'}


def declare_guest(channel: Any, instance_id: str, arguments: dict[str, Any]) -> None:
    """Declare the exchanges and the queue of one guest.

    :param channel: a dedicated AMQP channel; a refused declaration closes it.
    :param arguments: see :func:`queue_arguments`.
    """
    for name in (in_exchange(instance_id), out_exchange(instance_id)):
        channel.exchange_declare(name, 'topic', durable=True, auto_delete=False)
    try:
        channel.queue_declare(queue(instance_id), durable=True, auto_delete=False,
                              arguments=arguments)
    except amqp.PreconditionFailed:
        # Declared under former settings. Its messages may be needed; a rebuild declares it anew.
        LOG.info('Instance %s: keeping its queue, which has other arguments', instance_id)


def declare_shared(channel: Any, conductor_topic: str, arguments: dict[str, Any]) -> None:
    """Declare the reply exchange and the conductor's queue, which all guests share."""
    channel.exchange_declare(REPLY_EXCHANGE, 'topic', durable=True, auto_delete=False)
    try:
        channel.queue_declare(conductor_topic, durable=True, auto_delete=False, arguments=arguments)
    except amqp.PreconditionFailed:
        LOG.warning(
            'Queue %s has other arguments than configured; to apply the configuration, delete the '
            'queue while no conductor runs', conductor_topic)


def bind_guest(channel: Any, instance_id: str, conductor_topic: str) -> None:
    """Bind commands to the guest's queue, its reports to the conductor, its replies to callers."""
    channel.queue_bind(queue(instance_id), in_exchange(instance_id), queue(instance_id))
    channel.queue_bind(conductor_topic, out_exchange(instance_id), conductor_topic)
    channel.exchange_bind(REPLY_EXCHANGE, out_exchange(instance_id), '#')


def delete_guest(channel: Any, instance_id: str) -> None:
    """Delete exchanges and queue of a guest; idempotent."""
    channel.exchange_delete(out_exchange(instance_id))
    channel.exchange_delete(in_exchange(instance_id))
    channel.queue_delete(queue(instance_id))
