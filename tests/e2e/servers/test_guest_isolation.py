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

"""An intruder with a guest's credentials at a real broker: every attempt is refused or has no
effect.
"""

import contextlib
import functools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import amqp
import pytest

from tests.e2e import guest_bus
from trove.common.rpc import broker, channel, envelope, keys, messages

pytestmark = pytest.mark.e2e

REFUSED = (amqp.AccessRefused, amqp.PreconditionFailed)


@pytest.fixture(scope='module')
def intruder(plane: guest_bus.ControlPlane) -> guest_bus.Guest:
    return plane.new_guest()


@pytest.fixture(scope='module')
def victim(plane: guest_bus.ControlPlane) -> guest_bus.Guest:
    """Return another guest, with one command waiting in its queue."""
    other = plane.new_guest()
    plane.api(other).cast(messages.Restart(command_id='waiting'))
    return other


def _publish(exchange: str, key: str, broker_channel: Any, **properties: Any) -> None:
    broker_channel.basic_publish(amqp.Message('{}', **properties), exchange=exchange,
                                 routing_key=key, mandatory=True)


def _attacks(own: str, other: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield (name, function of a channel) for each request that the broker must refuse with 403."""
    queue, others = f'guestagent.{own}', f'guestagent.{other}'
    for target in (others, 'trove-conductor'):
        yield f'consume {target}', lambda c, t=target: c.basic_consume(t)
        yield f'get {target}', lambda c, t=target: c.basic_get(t)
        yield f'purge {target}', lambda c, t=target: c.queue_purge(t)
    for target in (queue, others, 'trove-conductor'):
        yield f'delete queue {target}', lambda c, t=target: c.queue_delete(t)
        yield f'redeclare queue {target}', lambda c, t=target: c.queue_declare(
            t, durable=True, auto_delete=False)
    for exchange in (f'g.{own}', f'g.{own}.out', f'g.{other}', f'g.{other}.out', 'guest.reply'):
        yield f'delete exchange {exchange}', lambda c, x=exchange: c.exchange_delete(x)
        yield f'redeclare exchange {exchange}', lambda c, x=exchange: c.exchange_declare(
            x, 'topic', durable=True, auto_delete=False)
    for exchange, key in (('', others), ('', 'trove-conductor'), ('', queue),
                          (f'g.{other}', others), (f'g.{other}.out', 'trove-conductor'),
                          (f'g.{own}', queue), ('guest.reply', 'reply_x'), ('amq.direct', others),
                          ('amq.topic', others), ('amq.fanout', ''), ('amq.headers', '')):
        yield f'publish to {exchange or "the default exchange"} {key}', functools.partial(
            _publish, exchange, key)
    for exchange in (f'g.{own}', f'g.{own}.out', f'g.{other}', f'g.{other}.out', 'guest.reply',
                     'amq.topic'):
        yield f'bind own queue to {exchange}', lambda c, x=exchange: c.queue_bind(queue, x, '#')
        yield f'bind {exchange} to own out', lambda c, x=exchange: c.exchange_bind(
            f'g.{own}.out', x, '#')
        yield f'bind own out to {exchange}', lambda c, x=exchange: c.exchange_bind(
            x, f'g.{own}.out', '#')
    yield 'bind the queue of another', lambda c: c.queue_bind(others, f'g.{own}.out', '#')
    yield 'bind the conductor', lambda c: c.queue_bind('trove-conductor', f'g.{own}.out', '#')
    yield 'unbind another', lambda c: c.queue_unbind(others, f'g.{other}', others)
    yield 'unbind the conductor', lambda c: c.queue_unbind('trove-conductor', f'g.{other}.out',
                                                           'trove-conductor')
    yield 'declare a queue', lambda c: c.queue_declare('mine')
    yield 'declare a queue like a reply queue', lambda c: c.queue_declare(
        'reply_mine', durable=True)
    yield 'declare a nameless queue', lambda c: c.queue_declare('', exclusive=True)
    yield 'declare an exchange', lambda c: c.exchange_declare('mine', 'fanout')
    yield 'declare a fan-out exchange', lambda c: c.exchange_declare('taskmanager_fanout', 'fanout')
    yield 'dead-letter into another', lambda c: c.queue_declare('dead', arguments={
        'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': others, 'x-message-ttl': 1})
    yield 'dead-letter from the own queue', lambda c: c.queue_declare(
        queue, durable=True, auto_delete=False,
        arguments={'x-dead-letter-exchange': f'g.{other}', 'x-dead-letter-routing-key': others})
    yield 'publish as somebody else', functools.partial(_publish, f'g.{own}.out', 'trove-conductor',
                                                        user_id=f'guest-{other}')


#: Names are known only when guests exist, so the parameters contain placeholders.
_NAMES = [name for name, _ in _attacks('OWN', 'OTHER')]


@pytest.mark.parametrize('number', range(len(_NAMES)), ids=_NAMES)
def test_refused_by_the_broker(plane, intruder, victim, number):
    before = plane.topology()
    _, attack = list(_attacks(intruder.id, victim.id))[number]
    with intruder.raw() as broker_channel, pytest.raises(REFUSED) as refusal:
        attack(broker_channel)
        # A request without a response is refused before the next one with a response.
        broker_channel.queue_declare(f'guestagent.{intruder.id}', passive=True)
    assert refusal.value.code in (403, 406)
    assert plane.topology() == before
    assert plane.waiting(f'guestagent.{victim.id}') == 1


def test_own_queue_and_own_exchange_are_open_to_it(plane, intruder):
    # Without these permissions the refusals above would prove nothing.
    plane.api(intruder).cast(messages.Restart(command_id='c'))
    with intruder.raw() as broker_channel:
        taken = guest_bus.eventually(
            lambda: broker_channel.basic_get(f'guestagent.{intruder.id}', no_ack=True))
        assert 'deliver' in taken.body
        broker_channel.basic_publish(amqp.Message('{}'), exchange=f'g.{intruder.id}.out',
                                     routing_key='trove-conductor', mandatory=True)


def test_control_bus_is_closed_to_it(intruder):
    with pytest.raises((amqp.NotAllowed, amqp.AccessRefused)), intruder.raw(vhost='control'):
        pass


@pytest.mark.parametrize('key', [
    'guestagent.OTHER', 'g.OTHER', 'taskmanager', 'taskmanager_fanout', 'guest.reply',
    'reply_nobody', '#', '*'
])
def test_its_own_exchange_reaches_no_other_queue(plane, intruder, victim, key):
    returned: list[Any] = []
    with intruder.raw() as broker_channel:
        broker_channel.events['basic_return'].add(lambda *values: returned.append(values[0]))
        _publish(
            f'g.{intruder.id}.out', key.replace('OTHER', victim.id), broker_channel,
            application_headers={
                'CC': [f'guestagent.{victim.id}'],
                'BCC': [f'guestagent.{victim.id}']
            })
    assert len(returned) == 1 and 'NO_ROUTE' in str(returned[0])
    assert plane.waiting(f'guestagent.{victim.id}') == 1


def test_connections_are_limited(plane, intruder):
    with contextlib.ExitStack() as held:
        for _ in range(plane.conf.guest_bus.max_connections):
            held.enter_context(intruder.raw())
        with pytest.raises((amqp.AMQPError, OSError)), intruder.raw():
            pass


def test_one_id_is_not_a_pattern_for_another(plane, intruder):
    allowed = broker.permissions(intruder.id)
    assert allowed == {
        'configure': '^$',
        'write': rf'^g\.{intruder.id}\.out$',
        'read': rf'^guestagent\.{intruder.id}$'
    }


# --- reports that must change nothing ------------------------------------------------------------


def _report(plane: guest_bus.ControlPlane, through: guest_bus.Guest, wire: Any,
            **extra: Any) -> None:
    """Send a message to the conductor as oslo.messaging would, with the additions of an intruder.
    """
    body = {
        'method': 'deliver',
        'args': {
            'envelope': wire
        },
        'version': '1.0',
        '_unique_id': uuid.uuid4().hex,
        **extra
    }
    _send(through, json.dumps({'oslo.version': '2.0', 'oslo.message': json.dumps(body)}))


def _send(through: guest_bus.Guest, body: str, content_type: str = 'application/json') -> None:
    with through.raw() as broker_channel:
        broker_channel.basic_publish(
            amqp.Message(body, content_type=content_type, content_encoding='utf-8'),
            exchange=f'g.{through.id}.out', routing_key='trove-conductor', mandatory=True)


def _settled(plane: guest_bus.ControlPlane) -> None:
    """Wait until a genuine report sent after all others is in the database."""
    witness = plane.new_guest()
    _report(plane, witness, witness.channel.seal('Heartbeat', guest_bus.healthy().to_wire()))
    guest_bus.eventually(lambda: plane.status(witness).status == 'healthy')


def _header(guest: guest_bus.Guest, **changes: Any) -> envelope.Header:
    values = {
        'instance_id': guest.id,
        'direction': 'up',
        'kind': 'Heartbeat',
        'boot_id': channel.boot_id(1, 7),
        'seq': 1000,
        **changes
    }
    return envelope.Header(**values)


HEALTHY = guest_bus.healthy().to_wire()


def _forgeries(plane: guest_bus.ControlPlane, own: guest_bus.Guest,
               other: guest_bus.Guest) -> Iterator[tuple[str, Callable[[], Any]]]:
    own_key, other_key = keys.seal_key(own.key), keys.seal_key(other.key)
    genuine = lambda: other.channel.seal('Heartbeat', HEALTHY)  # noqa: E731
    yield 'unsealed', lambda: _report(plane, own, {'instance_id': other.id, 'payload': HEALTHY})
    yield 'unsealed, of the sender itself', lambda: _report(plane, own, HEALTHY)
    yield 'no object', lambda: _report(plane, own, 'hello')
    yield "another's genuine report", lambda: _report(plane, own, genuine())
    yield "another's genuine report and origin", lambda: _report(
        plane, own, genuine(), **{
            '_context__bus_origin': f'g.{other.id}.out',
            '_bus_origin': f'g.{other.id}.out'
        })
    yield 'sealed under the own key in the name of another', lambda: _report(
        plane, own, envelope.seal(own_key, _header(other), HEALTHY))
    yield 'sealed under another key', lambda: _report(
        plane, own, envelope.seal(other_key, _header(own), HEALTHY))
    yield 'header changed', lambda: _report(
        plane, own, {**own.channel.seal('Heartbeat', HEALTHY),
                     'h': envelope.seal(own_key, _header(own, seq=5000), {})['h']})
    yield 'a message to the guest sent back', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own, direction='down'), HEALTHY))
    yield 'a boot of the future', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own, boot_id=channel.boot_id(99, 1)), HEALTHY))
    yield 'a boot that is no boot', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own, boot_id='zzz'), HEALTHY))
    yield 'an unknown kind', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own, kind='Other'), HEALTHY))
    yield 'a status of the control plane', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own), {'service_status': 'deleted'}))
    yield 'a number too large', lambda: _report(
        plane, own, envelope.seal(own_key, _header(own), {**HEALTHY, 'volume': {'total': 2 ** 70}}))
    yield 'a result for an operation of nobody', lambda: _report(
        plane, own,
        envelope.seal(own_key, _header(own, kind='CommandResult'), {
            'command_id': 'x',
            'operation_id': str(uuid.uuid4()),
            'kind': 'Prepare',
            'outcome': 'done'
        }))
    yield 'another method', lambda: _report(plane, own, genuine(), method='stop')
    yield 'another namespace and version', lambda: _report(plane, own, genuine(), namespace='x',
                                                           version='9.9')
    yield 'no arguments', lambda: _report(plane, own, None, args=None)
    yield 'no JSON', lambda: _send(own, 'hello')
    yield 'pickle', lambda: _send(own, 'cos\nsystem\n', 'application/x-python-serialize')
    yield 'deep nesting', lambda: _send(own, '[' * 100000)
    yield 'huge', lambda: _report(plane, own, {
        **own.channel.seal('Heartbeat', HEALTHY), 'c': 'A' * 3000000
    })


_FORGERIES = [name for name, _ in _forgeries(*[type('Any', (), {'id': 'x', 'key': b''})] * 3)]


@pytest.mark.parametrize('number', range(len(_FORGERIES)), ids=_FORGERIES)
def test_forged_report_changes_nothing(plane, victim, number):
    own = plane.new_guest()
    _settled(plane)
    before = plane.snapshot()
    list(_forgeries(plane, own, victim))[number][1]()
    _settled(plane)
    after = plane.snapshot()
    for table, rows in before.items():
        # Only the genuine reports have changed rows.
        assert [row for row in rows if row not in after[table]] == []
    assert plane.status(own).status == 'new'
    assert plane.status(victim).status == 'new'


def test_reply_address_of_a_guest_is_ignored(plane, intruder, victim):
    _report(plane, intruder, intruder.channel.seal('Heartbeat', HEALTHY),
            _reply_q=f'guestagent.{victim.id}', _msg_id=uuid.uuid4().hex)
    guest_bus.eventually(lambda: plane.status(intruder).status == 'healthy')
    assert plane.waiting(f'guestagent.{victim.id}') == 1


def test_dead_reply_addresses_do_not_block_the_conductor(plane, intruder):
    began = time.monotonic()
    for _ in range(80):
        _report(plane, intruder, HEALTHY, _reply_q='reply_nobody', _msg_id=uuid.uuid4().hex)
    _settled(plane)
    assert time.monotonic() - began < 15


def test_replayed_and_late_reports_change_nothing(plane):
    guest = plane.new_guest()
    old = guest.channel.seal('Heartbeat', messages.Heartbeat(service_status='crashed').to_wire())
    new = guest.channel.seal('Heartbeat', HEALTHY)
    _report(plane, guest, new)
    guest_bus.eventually(lambda: plane.status(guest).status == 'healthy')
    _settled(plane)
    before = plane.status(guest)
    for wire in (old, new, old):
        _report(plane, guest, wire)
    _settled(plane)
    assert plane.status(guest) == before


def test_report_after_deletion_changes_nothing(plane):
    guest = plane.new_guest()
    with plane.engine.begin() as connection:
        connection.execute(guest_bus.INSTANCES.update().where(guest_bus.INSTANCES.c.id == guest.id)
                           .values(deleted=True))
        connection.execute(guest_bus.STATUSES.update().where(
            guest_bus.STATUSES.c.instance_id == guest.id).values(status='deleted'))
    before = plane.status(guest)
    _report(plane, guest, guest.channel.seal('Heartbeat', HEALTHY))
    _settled(plane)
    assert plane.status(guest) == before


def test_result_for_the_operation_of_another_is_not_stored(plane, victim):
    own = plane.new_guest()
    operation = str(uuid.uuid4())
    plane.open_operation(victim, operation)
    _report(
        plane, own,
        own.channel.seal(
            'CommandResult',
            messages.CommandResult(command_id=str(uuid.uuid4()), operation_id=operation,
                                   kind='Prepare', outcome='done').to_wire()))
    _settled(plane)
    assert plane.row(guest_bus.RESULTS, guest_bus.RESULTS.c.operation_id == operation) is None
    due = plane.row(guest_bus.OPERATIONS, guest_bus.OPERATIONS.c.id == operation).due_at
    assert due.year > 2100


def test_refused_messages_are_counted(plane):
    assert 'report refused: forged_sender' in plane.conductor_log()
    assert 'report refused: unsealed' in plane.conductor_log()
    assert 'report refused: stale' in plane.conductor_log()
