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

"""Thin subclasses of oslo.messaging's RabbitMQ driver, one for each side of the guest bus.

The stock driver answers calls through the default exchange and declares whatever it publishes to. A guest that may do
that can publish into any queue by name. So a guest's driver declares nothing and publishes only to its own exchange,
``g.<id>.out``; the broker lets it do nothing else. The control plane's driver takes the sender from the exchange a
message came through, which a guest cannot choose, and ignores reply addresses: guests only cast.

Who may do what on the broker is set in :mod:`trove.common.rpc.broker`.
"""

import re
from collections.abc import Callable
from typing import Any

import amqp
import kombu.entity
import kombu.exceptions
from oslo_log import log as logging
import oslo_messaging
from oslo_messaging._drivers import amqpdriver
from oslo_messaging._drivers import base as driver_base
from oslo_messaging._drivers import common as driver_common
from oslo_messaging._drivers import impl_rabbit

from trove.common.rpc import topology

LOG = logging.getLogger(__name__)

#: Key of the RPC context under which the receiver finds the exchange a message came through.
ORIGIN = '_bus_origin'

#: Tries before a sender is told that the broker is away. Listeners never give up.
_SEND_RETRIES = 2

_OUT_EXCHANGE = re.compile(r'g\.(?P<id>[0-9a-f\-]{36})\.out')


def origin_instance(context: dict[str, Any]) -> str | None:
    """The instance whose exchange a message came through; None when it came another way."""
    match = _OUT_EXCHANGE.fullmatch(str(context.get(ORIGIN, '')))
    return match['id'] if match else None


class ReadyQueue(impl_rabbit.Consumer):
    """A consumer of a queue somebody else made: nothing is declared, so no configure right is needed."""

    def declare(self, conn: impl_rabbit.Connection) -> None:
        self.queue = kombu.entity.Queue(name=self.queue_name, channel=conn.channel, exchange=None,
                                        no_declare=True)
        self._declared_on = conn.channel


class OwnedQueue(impl_rabbit.Consumer):
    """A consumer that declares its queue, but neither exchange nor binding: guests' exchanges are bound to it."""

    arguments: dict[str, Any] = {}

    def declare(self, conn: impl_rabbit.Connection) -> None:
        self.queue = kombu.entity.Queue(name=self.queue_name, channel=conn.channel, exchange=None,
                                        durable=True, queue_arguments=self.arguments)
        self.queue.queue_declare()
        self._declared_on = conn.channel


class KeptFor(oslo_messaging.TransportOptions):
    """How long the broker keeps a message that nobody takes. The library knows that only of calls.

    :ivar seconds: by the broker's own clock.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(at_least_once=False)
        self.seconds = seconds


def _consumer(cls: type[impl_rabbit.Consumer], queue: str, callback: Callable[[Any], None],
              **more: Any) -> impl_rabbit.Consumer:
    settings = {'exchange_name': '', 'routing_key': queue, 'type': 'topic', 'durable': True,
                'exchange_auto_delete': False, 'queue_auto_delete': False, **more}
    return cls(queue_name=queue, callback=callback, **settings)


class PromptConnection(impl_rabbit.Connection):
    """Hears within a second that it should stop, instead of five."""

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        super().__init__(conf, url, purpose, retry=retry)
        self._poll_timeout = 1.0


class GuestConnection(PromptConnection):
    """Publishes to the guest's own exchange whatever the target, and consumes the queue made for it."""

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        self._out = topology.out_exchange(conf.guest_id)
        super().__init__(conf, url, purpose, retry=retry)

    def _publish_out(self, routing_key: str, msg: Any, **options: Any) -> None:
        # passive: the driver does not declare what it publishes to.
        exchange = kombu.entity.Exchange(name=self._out, type='topic', passive=True)
        self._ensure_publishing(self._publish_and_raises_on_missing_exchange, exchange, msg,
                                routing_key=routing_key, **options)

    def direct_send(self, msg_id: str, msg: Any) -> None:
        self._publish_out(msg_id, msg, retry=_SEND_RETRIES)

    def topic_send(self, exchange_name: str, topic: str, msg: Any, timeout: float | None = None,
                   retry: int | None = None, transport_options: Any = None) -> None:
        self._publish_out(topic, msg, timeout=timeout, retry=retry,
                          transport_options=transport_options)

    def fanout_send(self, topic: str, msg: Any, retry: int | None = None) -> None:
        raise NotImplementedError('a guest has nobody to fan out to')

    def declare_topic_consumer(self, exchange_name: str, topic: str, callback: Any = None,
                               queue_name: str | None = None) -> None:
        self.declare_consumer(_consumer(ReadyQueue, queue_name or topic, callback))


class ControlPlaneConnection(PromptConnection):
    """Takes reports with the sender they really came from, and replies through the exchange ``guest.reply``."""

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        options = conf.guest_bus
        self._conductor_queue = topology.queue_arguments(options.queue_type,
                                                         options.conductor_queue_length)
        self._guest_queue = topology.queue_arguments(options.queue_type, options.guest_queue_length)
        super().__init__(conf, url, purpose, retry=retry)

    def topic_send(self, exchange_name: str, topic: str, msg: Any, timeout: float | None = None,
                   retry: int | None = None, transport_options: Any = None) -> None:
        # The exchange of a guest exists from its creation to its deletion: a missing one is an error to tell the
        # caller, not something to make.
        exchange = kombu.entity.Exchange(name=exchange_name, type='topic', passive=True)
        if isinstance(transport_options, KeptFor):
            timeout = transport_options.seconds
        self._ensure_publishing(self._publish_and_raises_on_missing_exchange, exchange, msg,
                                routing_key=topic, timeout=timeout, retry=retry,
                                transport_options=transport_options)

    def declare_direct_consumer(self, topic: str, callback: Callable[[Any], None]) -> None:
        # Durable although it is short-lived: newer brokers refuse queues that are neither durable nor exclusive.
        self.declare_consumer(_consumer(
            impl_rabbit.Consumer, topic, callback, exchange_name=topology.REPLY_EXCHANGE,
            rabbit_queue_ttl=self.rabbit_transient_queues_ttl))

    def declare_topic_consumer(self, exchange_name: str, topic: str, callback: Any = None,
                               queue_name: str | None = None) -> None:
        consumer = _consumer(OwnedQueue, queue_name or topic, _with_origin(callback))
        consumer.arguments = self._conductor_queue
        self.declare_consumer(consumer)

    def declare_guest(self, instance_id: str, conductor_topic: str) -> None:
        """Make what a guest needs; what is there already is left as it is."""
        self._on_own_channel(
            lambda channel: topology.declare_guest(channel, instance_id, self._guest_queue))
        self._on_own_channel(lambda channel: topology.declare_shared(channel, conductor_topic, self.
                                                                     _conductor_queue))
        self._on_own_channel(
            lambda channel: topology.bind_guest(channel, instance_id, conductor_topic))

    def delete_guest(self, instance_id: str) -> None:
        """Remove a guest's exchanges and queue, and with them their bindings."""
        self._on_own_channel(lambda channel: topology.delete_guest(channel, instance_id))

    def _on_own_channel(self, work: Callable[[Any], None]) -> None:
        # A refused declaration closes its channel; the one that publishes must not be that.
        def run() -> None:
            channel = self.connection.channel()
            try:
                work(channel)
            finally:
                self.connection.maybe_close_channel(channel)
        with self._connection_lock:
            self.ensure(run, retry=_SEND_RETRIES)


def _with_origin(callback: Callable[[Any], None]) -> Callable[[Any], None]:
    """Keep of a guest's message only what a report consists of, and add where it came from.

    A reply address named by a guest would make this privileged side write to a queue of the guest's choice, and a
    dead one would block an executor thread for a minute.
    """
    def receive(message: impl_rabbit.RabbitMessage) -> None:
        arguments = message.get('args')
        if message.get('method') != 'deliver' or not isinstance(
                arguments, dict) or 'envelope' not in arguments:
            message.acknowledge()
            LOG.debug('a message that is no report was dropped')
            return
        request_id = message.get('_context_request_id')
        message.clear()
        message.update({
            'method': 'deliver',
            'version': '1.0',
            'args': {
                'envelope': arguments['envelope']
            },
            f'_context_{ORIGIN}': message._raw_message.delivery_info.get('exchange', '')
        })
        if isinstance(request_id, str) and len(request_id) <= 64:
            message['_context_request_id'] = request_id
        callback(message)
    return receive


class OneQueueDriver(impl_rabbit.RabbitDriver):
    """What all our drivers share: one queue per server, and senders that do not wait for ever.

    By itself it is the driver of the control bus. The stock driver adds a queue per host and a fanout queue that newer
    brokers refuse; nobody sends to either.
    """

    connection_class: type[impl_rabbit.Connection] = PromptConnection

    def __init__(self, conf: Any, url: Any, default_exchange: str | None = None,
                 allowed_remote_exmods: list[str] | None = None) -> None:
        url.transport = 'rabbit'
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        self._connection_pool.connection_cls = self.connection_class

    def _get_connection(self, purpose: Any = driver_common.PURPOSE_SEND,
                        retry: int | None = None) -> Any:
        # The reply queue of a caller is made with the purpose "listen" and no limit, which would hang the first call
        # while the broker is away.
        try:
            return super()._get_connection(purpose, _SEND_RETRIES if retry is None else retry)
        except (kombu.exceptions.KombuError, amqp.AMQPError, OSError) as failure:
            # Only a new connection fails this way; callers know the failures of a message.
            raise oslo_messaging.MessageDeliveryFailure(
                f'the broker cannot be reached: {failure}') from failure

    def listen(self, target: Any, batch_size: int, batch_timeout: float | None) -> Any:
        connection = super()._get_connection(driver_common.PURPOSE_LISTEN, -1)
        listener = amqpdriver.RpcAMQPListener(self, connection)
        connection.declare_topic_consumer(exchange_name=self._get_exchange(target),
                                          topic=target.topic, callback=listener)
        return driver_base.PollStyleListenerAdapter(listener, batch_size, batch_timeout)


class GuestDriver(OneQueueDriver):
    """The driver of an agent. Reads ``guest_id`` from the configuration."""
    connection_class = GuestConnection


class ControlPlaneDriver(OneQueueDriver):
    """The driver of task manager, API and conductor on the guest bus."""
    connection_class = ControlPlaneConnection

    def declare_guest(self, instance_id: str, conductor_topic: str) -> None:
        """See :meth:`ControlPlaneConnection.declare_guest`."""
        with self._get_connection() as connection:
            connection.declare_guest(instance_id, conductor_topic)

    def delete_guest(self, instance_id: str) -> None:
        """See :meth:`ControlPlaneConnection.delete_guest`."""
        with self._get_connection() as connection:
            connection.delete_guest(instance_id)
