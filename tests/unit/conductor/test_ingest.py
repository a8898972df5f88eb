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

import datetime

import pytest

from trove.common.rpc import channel, envelope, keys, messages
from trove.conductor import ingest

ID = '11111111-2222-4333-8444-555555555555'
OTHER = '99999999-2222-4333-8444-555555555555'
KEY = b'k' * 32
NOW = datetime.datetime(2030, 1, 1)
HEALTHY = messages.Heartbeat(service_status='healthy')
SENDERS = {
    ID: ingest.Sender(keys.seal_key(KEY), False, 2),
    OTHER: ingest.Sender(keys.seal_key(b'o' * 32), False, 1)
}


def _guest(epoch=2, starts=1, key=KEY, instance_id=ID):
    return channel.GuestChannel(instance_id, key, channel.boot_id(epoch, starts))


def _report(message=HEALTHY, guest=None, origin=ID):
    return ingest.Report(origin, (guest or _guest()).seal(message.KIND, message.to_wire()))


def _refused(report, senders=SENDERS, seen=None):
    seen = {} if seen is None else seen
    before = dict(seen)
    with pytest.raises(ingest.Refused) as refused:
        ingest.verify(report, senders, seen)
    assert seen == before
    assert refused.value.reason in ingest.Reason.ALL
    return refused.value.reason


def test_genuine_report_is_accepted_and_remembered():
    seen = {}
    accepted = ingest.verify(_report(), SENDERS, seen)
    assert (accepted.instance_id, accepted.message) == (ID, HEALTHY)
    assert seen == {(ID, 'Heartbeat'): ('00000002.00000001', 1)}


def test_same_report_again_is_stale():
    report, seen = _report(), {}
    ingest.verify(report, SENDERS, seen)
    assert _refused(report, seen=seen) == 'stale'


def test_order_is_kept_per_kind():
    guest, seen = _guest(), {}
    early = _report(messages.CommandResult(command_id='c', kind='Restart', outcome='done'), guest)
    ingest.verify(_report(guest=guest), SENDERS, seen)
    ingest.verify(early, SENDERS, seen)
    assert len(seen) == 2


@pytest.mark.parametrize('last, accepted', [(('00000002.00000001', 1), False),
                                            (('00000002.00000001', 0), True),
                                            (('00000002.00000002', 0), False),
                                            (('00000001.00000099', 999), True),
                                            (('00000002.00000000', 999), True)])
def test_only_newer_reports_count(last, accepted):
    seen = {(ID, 'Heartbeat'): last}
    if accepted:
        ingest.verify(_report(), SENDERS, seen)
    else:
        assert _refused(_report(), seen=seen) == 'stale'


def test_guest_of_a_former_build_is_stale():
    assert _refused(_report(guest=_guest(epoch=1))) == 'stale'


@pytest.mark.parametrize('boot', ['00000003.00000001', 'zzz', '2.1', '00000002.0000001x'])
def test_guest_cannot_name_a_boot_of_the_future(boot):
    assert _refused(_report(guest=channel.GuestChannel(ID, KEY, boot))) == 'out_of_bounds'


@pytest.mark.parametrize('origin', [OTHER, None, ''])
def test_report_through_another_exchange_is_a_forged_sender(origin):
    assert _refused(_report(origin=origin)) == 'forged_sender'


def test_report_in_the_name_of_another_is_a_forged_sender():
    assert _refused(_report(guest=_guest(instance_id=OTHER))) == 'forged_sender'


def test_report_under_another_key_is_forged():
    assert _refused(_report(guest=_guest(key=b'x' * 32))) == 'forged'


def test_instance_without_a_key_is_not_believed():
    assert _refused(_report(), {ID: ingest.Sender(None, False, 2)}) == 'forged'


def test_message_to_the_guest_sent_back_is_forged():
    header = envelope.Header(instance_id=ID, direction=envelope.DOWN, kind='Heartbeat', seq=1,
                             boot_id=channel.boot_id(2, 1))
    wire = envelope.seal(keys.seal_key(KEY), header, HEALTHY.to_wire())
    assert _refused(ingest.Report(ID, wire)) == 'forged'


def test_unknown_instance():
    assert _refused(_report(), {}) == 'unknown_instance'


def test_deleted_instance():
    assert _refused(_report(), {ID: ingest.Sender(keys.seal_key(KEY), True, 2)}) == 'deleted'


@pytest.mark.parametrize('wire, reason', [
    ({'service_status': 'healthy'}, 'unsealed'), (None, 'malformed'), ('x', 'malformed'),
    ({'h': '{}', 'c': 'x', 'v': 1}, 'malformed')])
def test_what_is_not_sealed(wire, reason):
    assert _refused(ingest.Report(ID, wire)) == reason


def test_unknown_kind():
    assert _refused(ingest.Report(ID, _guest().seal('Prepare', {}))) == 'unknown_kind'


@pytest.mark.parametrize('body', [{}, {
    'service_status': 'deleted'
}, {
    'service_status': 'healthy',
    'volume': 5
}])
def test_values_out_of_bounds(body):
    assert _refused(ingest.Report(ID, _guest().seal('Heartbeat', body))) == 'out_of_bounds'


def test_enormous_report_is_malformed():
    assert _refused(ingest.Report(ID,
                                  _guest().seal('Heartbeat', {'x': 'y' * 100000}))) == 'malformed'


# --- what follows --------------------------------------------------------------------------------

def _accepted(message, instance_id=ID, seq=1):
    return ingest.Accepted(instance_id, '00000001.00000001', seq, message)


RESULT = messages.CommandResult(command_id='c', operation_id='op', kind='Prepare', outcome='failed',
                                step='volume', error_code='guest_prepare_volume',
                                message='No device.', data={'a': 1})


def test_of_several_heartbeats_the_newest_counts():
    crashed = messages.Heartbeat(service_status='crashed', reason='signal 9')
    changes = ingest.changes(
        [_accepted(HEALTHY),
         _accepted(crashed, seq=2),
         _accepted(HEALTHY, OTHER)], NOW)
    assert {
        instance: row['status']
        for instance, row in changes.statuses.items()
    } == {
        ID: 'crashed',
        OTHER: 'healthy'
    }
    assert changes.statuses[ID]['seq'] == 2
    assert changes.statuses[ID]['reason'] == 'signal 9'
    assert changes.statuses[ID]['updated_at'] == NOW
    assert changes.senders == {ID, OTHER}


def test_facts_of_a_heartbeat():
    row = ingest.changes([
        _accepted(
            messages.Heartbeat(service_status='healthy', volume={
                'total': 9,
                'used': 4,
                'available': 5
            }, engine={
                'version': '10.11',
                'uptime': 7
            }, pending_restart=['x'], agent_version='1'))
    ], NOW).statuses[ID]
    assert (row['volume_total'], row['volume_used']) == (9, 4)
    assert (row['engine_version'], row['agent_version']) == ('10.11', '1')
    assert row['facts'] == {'volume_available': 5, 'engine_uptime': 7, 'pending_restart': ['x']}


def test_nothing_known_is_null():
    row = ingest.changes([_accepted(HEALTHY)], NOW).statuses[ID]
    assert (row['reason'], row['volume_total'], row['engine_version'], row['facts']) == (None, None,
                                                                                         None, {})


def test_results_come_alone_or_in_heartbeats():
    beat = messages.Heartbeat(service_status='healthy', results=[RESULT])
    assert ingest.changes([_accepted(RESULT)], NOW).results == {'c': (ID, RESULT)}
    assert ingest.changes([_accepted(beat)], NOW).results == {'c': (ID, RESULT)}


def test_result_of_the_own_open_operation_is_stored():
    rows, unasked = ingest.result_rows({'c': (ID, RESULT)}, {ID: 'op'}, {}, NOW)
    assert rows == [{
        'command_id': 'c',
        'instance_id': ID,
        'operation_id': 'op',
        'kind': 'Prepare',
        'outcome': 'failed',
        'step': 'volume',
        'error_code': 'guest_prepare_volume',
        'message': 'No device.',
        'data': {
            'a': 1
        },
        'received': NOW
    }]
    assert unasked == 0


@pytest.mark.parametrize('open_operations, known', [
    ({}, {}), ({OTHER: 'op'}, {}), ({ID: 'another'}, {}), ({ID: 'op'}, {'op': {'c'}})])
def test_other_results_are_not_stored(open_operations, known):
    assert ingest.result_rows({'c': (ID, RESULT)}, open_operations, known, NOW) == ([], 0)


def test_number_of_results_per_operation_is_bounded():
    many = {f'c{number}': (ID, RESULT) for number in range(100)}
    rows, unasked = ingest.result_rows(many, {ID: 'op'}, {'op': {'x', 'y'}}, NOW)
    assert (len(rows), unasked) == (ingest.MAX_RESULTS - 2, 100 - ingest.MAX_RESULTS + 2)
