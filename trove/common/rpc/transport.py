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

"""Message buses of a process: one transport per virtual host, created at first use.

Transports own connections and threads, so a service creates them after a fork. Functional tests
replace :class:`RpcBus` by an object with the same methods.
"""

import os
import threading
from collections.abc import Callable
from typing import Any
from typing import Protocol
from urllib import parse

from oslo_config import cfg
from oslo_context import context
import oslo_messaging
from oslo_messaging import transport as oslo_transport
from oslo_messaging._drivers import impl_rabbit
from oslo_messaging._metrics import client as metrics
from oslo_messaging._tracing import client as tracing

from trove.common import exception
from trove.common.rpc import drivers

#: Retries before a sender gets an error; the first attempt only detects a broken connection.
SEND_RETRIES = 2
#: Retries on the control bus: its messages only wake task managers, and a user may wait for one.
_WAKE_RETRIES = 1

#: Settings of the guest bus, independent of the control bus. They are passed as the query of the
#: URL, which overrides the configuration file in oslo.messaging.
_CONTROL_SETTINGS = {'kombu_missing_consumer_retry_timeout': '5', 'rabbit_interval_max': '5'}
#: One connection that listens, one or two that send. An unroutable reply blocks for few seconds.
_GUEST_SETTINGS = {
    'rpc_conn_pool_size': '2',
    'conn_pool_min_size': '1',
    'kombu_missing_consumer_retry_timeout': '3',
    'rabbit_interval_max': '10'
}


class BusTimeout(Exception):
    """Timeout of a call."""


class BusError(Exception):
    """Message that was not sent, or a call that failed outside any envelope."""


class BusAway(BusError):
    """Unreachable broker: the message was not sent and may be sent again."""


class Bus(Protocol):
    """Bus as RPC clients use it; ``payload`` contains the arguments of the method."""

    def cast(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             keep: float | None = None) -> None:
        """Send a message without waiting for a reply.

        :param keep: seconds the broker keeps the message for a receiver; None for no limit.
        :raises BusAway: the broker is unreachable.
        :raises BusError: the broker refused the message.
        """

    def call(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             timeout: float) -> Any:
        """Send a message and return the reply.

        :param timeout: seconds.
        :raises BusTimeout: no reply in time.
        :raises BusAway: the broker is unreachable.
        :raises BusError: the broker refused the message.
        """


class RpcBus:
    """Bus over oslo.messaging."""

    def __init__(self, transport: oslo_messaging.transport.Transport,
                 retries: int = SEND_RETRIES) -> None:
        self._transport = transport
        self._client = oslo_messaging.get_rpc_client(
            transport, oslo_messaging.Target(version='1.0'), retry=retries)

    def _prepare(self, topic: str, exchange: str | None, timeout: float | None = None,
                 keep: float | None = None) -> Any:
        target: dict[str, Any] = {'topic': topic}
        if exchange:
            target['exchange'] = exchange
        if keep is not None:
            target['transport_options'] = drivers.KeptFor(keep)
        return self._client.prepare(timeout=timeout, **target)

    def cast(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             keep: float | None = None) -> None:
        try:
            self._prepare(topic, exchange, keep=keep).cast(_context(), method, **payload)
        except oslo_messaging.MessageDeliveryFailure as failure:
            raise BusAway(str(failure)) from failure
        except (oslo_messaging.MessageUndeliverable,
                impl_rabbit.rpc_amqp.AMQPDestinationNotFound) as failure:
            raise BusError(str(failure)) from failure

    def call(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             timeout: float) -> Any:
        try:
            return self._prepare(topic, exchange, timeout).call(_context(), method, **payload)
        except oslo_messaging.MessagingTimeout as late:
            raise BusTimeout(f'no reply within {timeout:g} seconds') from late
        except oslo_messaging.MessageDeliveryFailure as failure:
            raise BusAway(str(failure)) from failure
        except (oslo_messaging.MessagingException,
                impl_rabbit.rpc_amqp.AMQPDestinationNotFound) as failure:
            raise BusError(str(failure)) from failure

    def server(self, topic: str, server: str, endpoints: list[Any],
               exchange: str | None = None) -> Any:
        """Return an RPC server to start; ``start()`` blocks until the broker is reachable."""
        target = oslo_messaging.Target(topic=topic, server=server, exchange=exchange)
        return oslo_messaging.get_rpc_server(self._transport, target, endpoints,
                                             access_policy=oslo_messaging.DefaultRPCAccessPolicy)

    @property
    def driver(self) -> Any:
        """Driver, for declarations on the broker."""
        return self._transport._driver

    def close(self) -> None:
        """Close all connections."""
        self._transport.cleanup()


_buses: dict[tuple[str, str | None], RpcBus] = {}
_owner = os.getpid()
_lock = threading.Lock()


def control_bus(conf: cfg.ConfigOpts) -> RpcBus:
    """Return the bus of API, task manager and conductor (``transport_url``)."""
    set_library_defaults()
    _register(conf)
    return _once(('control', conf.transport_url), lambda: _control(conf))


def guest_bus(conf: cfg.ConfigOpts) -> RpcBus:
    """Return the control plane's end of the guest bus (``[guest_bus] transport_url``)."""
    return _once(('guests', conf.guest_bus.transport_url),
                 lambda: _custom(conf, drivers.ControlPlaneDriver, _CONTROL_SETTINGS))


def agent_bus(conf: cfg.ConfigOpts) -> RpcBus:
    """Return a guest's end of the guest bus; needs ``guest_id`` and ``[guest_bus] transport_url``.
    """
    return _once((f'agent {conf.guest_id}', conf.guest_bus.transport_url),
                 lambda: _custom(conf, drivers.GuestDriver, _GUEST_SETTINGS))


def close_all() -> None:
    """Close every bus of this process; the next use opens it again."""
    with _lock:
        for bus in _buses.values():
            bus.close()
        _buses.clear()


def _once(key: tuple[str, str | None], make: Callable[[], RpcBus]) -> RpcBus:
    global _owner
    with _lock:
        if _owner != os.getpid():
            # These sockets belong to the parent: the child must neither use nor close them.
            _buses.clear()
            _owner = os.getpid()
        if key not in _buses:
            _buses[key] = make()
        return _buses[key]


def _register(conf: cfg.ConfigOpts) -> None:
    # oslo.messaging registers these options on the global ConfigOpts only.
    conf.register_opts(oslo_transport._transport_opts)
    for group, options in (('oslo_messaging_metrics', metrics.oslo_messaging_metrics),
                           ('oslo_messaging_tracing', tracing.oslo_messaging_tracing)):
        conf.register_group(cfg.OptGroup(group))
        conf.register_opts(options, group=group)


def set_library_defaults() -> None:
    """Set defaults of oslo.messaging: exchange ``trove`` and durable queues.

    The configuration file overrides them. Quorum queues are no default: a young one does not
    recover when RabbitMQ 3.10 is killed, and then blocks its publishers.
    """
    oslo_messaging.set_transport_defaults(control_exchange='trove')
    cfg.set_defaults(impl_rabbit.rpc_amqp.amqp_opts, amqp_durable_queues=True)


def _control(conf: cfg.ConfigOpts) -> RpcBus:
    url = oslo_messaging.TransportURL.parse(conf, conf.transport_url)
    if url.transport != 'rabbit':
        return RpcBus(oslo_messaging.get_rpc_transport(conf), _WAKE_RETRIES)
    driver = drivers.OneQueueDriver(conf, url, default_exchange=conf.control_exchange,
                                    allowed_remote_exmods=[])
    return RpcBus(oslo_transport.RPCTransport(driver), _WAKE_RETRIES)


def _custom(conf: cfg.ConfigOpts, driver: type[impl_rabbit.RabbitDriver],
            settings: dict[str, str]) -> RpcBus:
    _register(conf)
    if not conf.guest_bus.transport_url:
        raise exception.BrokerError('The guest bus is not configured.',
                                    detail='[guest_bus] transport_url is not set')
    url = oslo_messaging.TransportURL.parse(conf,
                                            with_settings(conf.guest_bus.transport_url, settings))
    return RpcBus(
        oslo_transport.RPCTransport(
            driver(conf, url, default_exchange='guest', allowed_remote_exmods=[])))


def with_settings(url: str, settings: dict[str, str]) -> str:
    """Return ``url`` with the settings in its query; existing parameters win."""
    parts = parse.urlsplit(url)
    query = {**settings, **dict(parse.parse_qsl(parts.query))}
    return parse.urlunsplit(parts._replace(query=parse.urlencode(query)))


def _context() -> dict[str, Any]:
    """Return the RPC context: the request id only."""
    current = context.get_current()
    return {'request_id': current.request_id} if current else {}
