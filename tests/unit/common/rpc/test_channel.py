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

import pytest

from trove.common import exception
from trove.common.rpc import channel, envelope, keys, messages, transport
from trove.guestagent import api

ID = '11111111-2222-4333-8444-555555555555'
KEY = b'k' * 32
BOOT = channel.boot_id(1, 1)


class DirectBus:
    """Hands a call to the guest's endpoint; ``change`` may spoil the answer on its way."""

    def __init__(self, endpoint, change=lambda answer: answer):
        self.endpoint, self.change, self.sent = endpoint, change, []

    def call(self, topic, exchange, method, payload, timeout):
        self.sent.append((topic, exchange, method, payload))
        return self.change(self.endpoint.deliver({}, **payload))

    cast = None


def _guest(handle=lambda kind, body: {'kind': kind}, boot=BOOT):
    return channel.GuestEndpoint(channel.GuestChannel(ID, KEY, boot), handle)


def _client(bus, boot='', key=KEY):
    return api.GuestAPI(bus, ID, key, boot)


def test_boots_compare_as_text():
    boots = [
        channel.boot_id(1, 1),
        channel.boot_id(1, 2),
        channel.boot_id(1, 10),
        channel.boot_id(2, 1)
    ]
    assert boots == sorted(boots)


def test_call_comes_back_with_the_result():
    seen = []
    bus = DirectBus(_guest(lambda kind, body: seen.append((kind, body)) or {'users': []}))
    assert _client(bus).call(messages.ListUsers(limit=5), 1) == {'users': []}
    kind, body = seen[0]
    assert kind == 'ListUsers'
    assert messages.parse(messages.DOWN, kind, body) == messages.ListUsers(limit=5)
    assert bus.sent[0][:3] == (f'guestagent.{ID}', f'g.{ID}', 'deliver')


def test_missing_result_is_an_empty_result():
    client = _client(DirectBus(_guest(lambda kind, body: None)))
    assert client.call(messages.DeleteDatabase(name='x'), 1) == {}


def test_failure_of_the_guest_keeps_code_and_sentence():
    def handle(kind, body):
        raise exception.GuestError('There is no user jim.', code='guest_not_found_user')
    with pytest.raises(exception.GuestError) as failure:
        _client(DirectBus(_guest(handle))).call(messages.GetUser(name='jim'), 1)
    assert (failure.value.code, failure.value.message) == ('guest_not_found_user',
                                                           'There is no user jim.')


def test_value_the_guest_cannot_use():
    def handle(kind, body):
        raise ValueError('name is too odd')
    with pytest.raises(exception.GuestError) as failure:
        _client(DirectBus(_guest(handle))).call(messages.GetUser(name='jim'), 1)
    assert failure.value.code == 'guest_invalid_message'


def test_surprise_in_the_guest_does_not_leak():
    def handle(kind, body):
        raise RuntimeError('secret')
    with pytest.raises(exception.GuestError) as failure:
        _client(DirectBus(_guest(handle))).call(messages.Ping(), 1)
    assert failure.value.code == 'guest_error'
    assert 'secret' not in failure.value.message + failure.value.detail


def test_message_is_done_once_however_often_it_is_delivered():
    done = []
    guest = _guest(lambda kind, body: done.append(kind) or {})
    bus = DirectBus(guest)
    _client(bus).call(messages.Restart(), 1)
    assert guest.deliver({}, **bus.sent[0][3]) is None
    assert done == ['Restart']


def test_message_for_a_former_run_is_answered_and_not_done():
    done = []
    bus = DirectBus(_guest(lambda kind, body: done.append(kind) or {}, boot=channel.boot_id(1, 2)))
    with pytest.raises(exception.GuestError) as failure:
        _client(bus, boot=BOOT).call(messages.Restart(), 1)
    assert failure.value.code == 'guest_stale_boot'
    assert done == []


def test_message_under_another_key_is_neither_done_nor_answered():
    done = []
    bus = DirectBus(_guest(lambda kind, body: done.append(kind) or {}))
    with pytest.raises(exception.GuestError) as failure:
        _client(bus, key=b'x' * 32).call(messages.Restart(), 1)
    assert failure.value.code == 'guest_error'
    assert done == []


@pytest.mark.parametrize(
    'change', [
        lambda answer: None,
        lambda answer: {
            'result': {}
        },
        lambda answer: envelope.seal(b'x' * 32, envelope.read_header(answer), {'result': {}}),
        lambda answer: channel.GuestChannel(ID, KEY, BOOT).seal('Heartbeat', {'result': {}}),
        lambda answer: channel.GuestChannel(ID.replace('1', '9'), KEY, BOOT).result(
            envelope.read_header(answer), {}),
        lambda answer: channel.GuestChannel(ID, KEY, BOOT)._seal('Reply', {'result': {}},
                                                                 'another:1'),
        lambda answer: channel.GuestChannel(ID, KEY, BOOT)._seal('Reply', {},
                                                                 envelope.read_header(answer).about
                                                                 ),
    ], ids=[
        'none', 'unsealed', 'other key', 'a report', 'other instance', 'other question', 'no result'
    ])
def test_answer_that_is_not_to_this_question_is_not_believed(change):
    with pytest.raises(exception.GuestError):
        _client(DirectBus(_guest(), change)).call(messages.Ping(), 1)


@pytest.mark.parametrize('failure, code, message', [
    ({'code': 'guest_exists_user', 'message': 'x' * 5000}, 'guest_exists_user', 'x' * 1000),
    ({'code': 'internal', 'message': 'm'}, 'guest_error', 'm'),
    ({'code': ['x'], 'message': 'm'}, 'guest_error', 'm'),
    ({'code': 'made up', 'message': 'm'}, 'guest_error', 'm'),
])
def test_failures_a_guest_names_are_bounded(failure, code, message):
    made = api.guest_failure(failure)
    assert (made.code, made.message) == (code, message)


def test_failure_without_a_sentence_gets_ours():
    assert 'already exists' in api.guest_failure({
        'code': 'guest_exists_user',
        'message': None
    }).message


@pytest.mark.parametrize('trouble, expected',
                         [(transport.BusTimeout('late'), exception.GuestTimeout),
                          (transport.BusError('refused'), exception.GuestError),
                          (transport.BusAway('gone'), exception.BrokerError)])
def test_trouble_of_the_bus_has_an_exception_for_each_kind(trouble, expected):
    class Bus:
        def call(self, *args):
            raise trouble
    with pytest.raises(expected):
        _client(Bus()).call(messages.Ping(), 1)


def test_refused_cast_is_an_error():
    class Bus:
        def cast(self, *args):
            raise transport.BusError('gone')
    with pytest.raises(exception.BrokerError):
        _client(Bus()).cast(messages.Restart(command_id='c'))


@pytest.mark.parametrize('header', [
    {'direction': 'up'}, {'instance_id': ID.replace('1', '9')}])
def test_message_for_others_is_refused(header):
    values = {
        'instance_id': ID,
        'direction': 'down',
        'kind': 'Ping',
        'boot_id': 'p',
        'seq': 1,
        **header
    }
    wire = envelope.seal(keys.seal_key(KEY), envelope.Header(**values), {})
    with pytest.raises(envelope.Misdirected):
        channel.GuestChannel(ID, KEY, BOOT).open(wire)
    assert _guest().deliver({}, wire) is None


class TestReplayWindow:
    def test_each_number_once(self):
        window = channel.ReplayWindow()
        assert [window.accept('a', number)
                for number in (1, 2, 2, 1, 3)] == [True, True, False, False, True]

    def test_a_little_overtaking_is_fine(self):
        window = channel.ReplayWindow(width=10)
        assert window.accept('a', 20)
        assert window.accept('a', 11)
        assert not window.accept('a', 10)

    def test_senders_do_not_disturb_each_other(self):
        window = channel.ReplayWindow()
        assert window.accept('a', 1) and window.accept('b', 1)

    def test_space_is_bounded(self):
        window = channel.ReplayWindow(senders=3, width=4)
        for number in range(1, 1000):
            for sender in 'abcde':
                window.accept(sender, number)
        assert len(window._seen) == 3
        assert all(len(seen) <= 9 for _, seen in window._seen.values())
