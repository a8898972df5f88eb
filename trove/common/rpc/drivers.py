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

"""Subclasses of oslo.messaging's RabbitMQ driver, one for each side of the guest bus.

The stock driver replies through the default exchange and declares every exchange it publishes to. A
guest with these permissions could publish into any queue by name. So a guest's driver declares
nothing and publishes only to its own exchange, ``g.<id>.out``; the broker refuses anything else.
The control plane's driver reads the sender from the exchange a message came through, which a guest
cannot choose, and ignores reply addresses: guests only cast.

:mod:`trove.common.rpc.broker` sets the permissions on the broker.
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

from trove.common.rpc import screening, topology

LOG = logging.getLogger(__name__)

#: Key of the RPC context with the exchange that a message came through.
ORIGIN = '_bus_origin'

#: Attempts of a sender; listeners retry forever.
_SEND_RETRIES = 2

_OUT_EXCHANGE = re.compile(r'g\.(?P<id>[0-9a-f\-]{36})\.out')


def origin_instance(context: dict[str, Any]) -> str | None:
    """Return the owner of the exchange a message came through; None for other exchanges."""
    match = _OUT_EXCHANGE.fullmatch(str(context.get(ORIGIN, '')))
    return match['id'] if match else None


class ScreenedConsumer(impl_rabbit.Consumer):
    """Consumer that drops messages which :mod:`.screening` refuses, before kombu decodes them."""

    def _callback(self, message: Any) -> None:
        reason = screening.refusal(message)
        if reason:
            self.queue.channel.basic_ack(message.delivery_tag)
            screening.count(reason)
            return
        super()._callback(message)


class ReadyQueue(ScreenedConsumer):
    """Consumer of an existing queue; it declares nothing and needs no configure permission."""

    def declare(self, conn: impl_rabbit.Connection) -> None:
        self.queue = kombu.entity.Queue(name=self.queue_name, channel=conn.channel, exchange=None,
                                        no_declare=True)
        self._declared_on = conn.channel


class OwnedQueue(ScreenedConsumer):
    """Consumer that declares its queue, but no exchange and no binding."""

    arguments: dict[str, Any] = {}

    def declare(self, conn: impl_rabbit.Connection) -> None:
        self.queue = kombu.entity.Queue(name=self.queue_name, channel=conn.channel, exchange=None,
                                        durable=True, queue_arguments=self.arguments)
        self.queue.queue_declare()
        self._declared_on = conn.channel


class KeptFor(oslo_messaging.TransportOptions):
    """Expiry of a cast; oslo.messaging has an expiry for calls only.

    :ivar seconds: seconds the broker keeps the message, by its own clock.
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
    """Connection that notices a stop within one second instead of five."""

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        super().__init__(conf, url, purpose, retry=retry)
        self._poll_timeout = 1.0


class GuestConnection(PromptConnection):
    """Connection that publishes to the guest's own exchange only and consumes its existing queue.
    """

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        self._out = topology.out_exchange(conf.guest_id)
        super().__init__(conf, url, purpose, retry=retry)

    def _publish_out(self, routing_key: str, msg: Any, **options: Any) -> None:
        # passive: the driver does not declare the exchange.
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
        raise NotImplementedError('guests do not fan out')

    def declare_topic_consumer(self, exchange_name: str, topic: str, callback: Any = None,
                               queue_name: str | None = None) -> None:
        self.declare_consumer(_consumer(ReadyQueue, queue_name or topic, callback))


class ControlPlaneConnection(PromptConnection):
    """Connection that marks reports with their origin and replies through ``guest.reply``."""

    def __init__(self, conf: Any, url: Any, purpose: Any, retry: int | None = None) -> None:
        options = conf.guest_bus
        self._conductor_queue = topology.queue_arguments(options.queue_type,
                                                         options.conductor_queue_length)
        self._guest_queue = topology.queue_arguments(options.queue_type, options.guest_queue_length)
        super().__init__(conf, url, purpose, retry=retry)

    def topic_send(self, exchange_name: str, topic: str, msg: Any, timeout: float | None = None,
                   retry: int | None = None, transport_options: Any = None) -> None:
        # A guest's exchange exists as long as the guest: a missing one is the caller's error.
        exchange = kombu.entity.Exchange(name=exchange_name, type='topic', passive=True)
        if isinstance(transport_options, KeptFor):
            timeout = transport_options.seconds
        self._ensure_publishing(self._publish_and_raises_on_missing_exchange, exchange, msg,
                                routing_key=topic, timeout=timeout, retry=retry,
                                transport_options=transport_options)

    def declare_direct_consumer(self, topic: str, callback: Callable[[Any], None]) -> None:
        # Durable, because newer brokers refuse queues that are neither durable nor exclusive.
        self.declare_consumer(_consumer(
            ScreenedConsumer, topic, callback, exchange_name=topology.REPLY_EXCHANGE,
            rabbit_queue_ttl=self.rabbit_transient_queues_ttl))

    def declare_topic_consumer(self, exchange_name: str, topic: str, callback: Any = None,
                               queue_name: str | None = None) -> None:
        consumer = _consumer(OwnedQueue, queue_name or topic, _with_origin(callback))
        consumer.arguments = self._conductor_queue
        self.declare_consumer(consumer)

    def declare_guest(self, instance_id: str, conductor_topic: str) -> None:
        """Declare exchanges, queue and bindings of a guest; existing ones stay unchanged."""
        self._on_own_channel(
            lambda channel: topology.declare_guest(channel, instance_id, self._guest_queue))
        self._on_own_channel(lambda channel: topology.declare_shared(channel, conductor_topic, self.
                                                                     _conductor_queue))
        self._on_own_channel(
            lambda channel: topology.bind_guest(channel, instance_id, conductor_topic))

    def delete_guest(self, instance_id: str) -> None:
        """Delete a guest's exchanges and queue, and with them their bindings."""
        self._on_own_channel(lambda channel: topology.delete_guest(channel, instance_id))

    def _on_own_channel(self, work: Callable[[Any], None]) -> None:
        # A refused declaration closes its channel, so do not use the one that publishes.
        def run() -> None:
            channel = self.connection.channel()
            try:
                work(channel)
            finally:
                self.connection.maybe_close_channel(channel)
        with self._connection_lock:
            self.ensure(run, retry=_SEND_RETRIES)


def _with_origin(callback: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap a callback: reduce a guest's message to its report and add its origin.

    A reply address of a guest would make the privileged side write to a queue of the guest's
    choice, and a dead one would block an executor thread for a minute.
    """
    def receive(message: impl_rabbit.RabbitMessage) -> None:
        arguments = message.get('args')
        if message.get('method') != 'deliver' or not isinstance(
                arguments, dict) or 'envelope' not in arguments:
            message.acknowledge()
            LOG.debug('Dropped a message that is no report')
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
    """Driver with one queue per server, and senders with a limited number of attempts.

    It is the driver of the control bus. The stock driver adds a queue per host and a fanout queue,
    which nothing sends to and which newer brokers refuse.
    """

    connection_class: type[impl_rabbit.Connection] = PromptConnection

    def __init__(self, conf: Any, url: Any, default_exchange: str | None = None,
                 allowed_remote_exmods: list[str] | None = None) -> None:
        url.transport = 'rabbit'
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        self._connection_pool.connection_cls = self.connection_class

    def _get_connection(self, purpose: Any = driver_common.PURPOSE_SEND,
                        retry: int | None = None) -> Any:
        # Without a limit, a caller's reply queue would hang the first call while the broker is
        # away.
        try:
            return super()._get_connection(purpose, _SEND_RETRIES if retry is None else retry)
        except (kombu.exceptions.KombuError, amqp.AMQPError, OSError) as failure:
            # Only a new connection raises these errors; callers handle those of a message.
            raise oslo_messaging.MessageDeliveryFailure(
                f'the broker cannot be reached: {failure}') from failure

    def listen(self, target: Any, batch_size: int, batch_timeout: float | None) -> Any:
        connection = super()._get_connection(driver_common.PURPOSE_LISTEN, -1)
        listener = amqpdriver.RpcAMQPListener(self, connection)
        connection.declare_topic_consumer(exchange_name=self._get_exchange(target),
                                          topic=target.topic, callback=listener)
        return driver_base.PollStyleListenerAdapter(listener, batch_size, batch_timeout)


class GuestDriver(OneQueueDriver):
    """Driver of an agent; reads ``guest_id`` from the configuration."""
    connection_class = GuestConnection


class ControlPlaneDriver(OneQueueDriver):
    """Driver of task manager, API and conductor on the guest bus."""
    connection_class = ControlPlaneConnection

    def declare_guest(self, instance_id: str, conductor_topic: str) -> None:
        """Declare exchanges, queue and bindings of a guest."""
        with self._get_connection() as connection:
            connection.declare_guest(instance_id, conductor_topic)

    def delete_guest(self, instance_id: str) -> None:
        """Delete exchanges, queue and bindings of a guest."""
        with self._get_connection() as connection:
            connection.delete_guest(instance_id)
