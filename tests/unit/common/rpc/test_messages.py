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

import dataclasses
import json
import pathlib

import pytest

from trove.common import states
from trove.common.rpc import messages
from trove.common.rpc.messages import base, heartbeat

RESULT = {'command_id': 'c-1', 'operation_id': 'o-1', 'kind': 'Prepare', 'outcome': 'done'}
BACKUP = '11111111-2222-4333-8444-555555555555'

#: One example of each kind with every field filled, as plain data.
EXAMPLES = {
    'Heartbeat': {
        'service_status': 'healthy',
        'reason': 'r',
        'agent_version': '1',
        'boot_id': '00000001.00000001',
        'volume': {
            'total': 3,
            'used': 1,
            'available': 2
        },
        'engine': {
            'version': '10.11',
            'uptime': 5
        },
        'pending_restart': ['a'],
        'drift': ['b'],
        'rejection': 'c',
        'results': [RESULT]
    },
    'CommandResult': {
        **RESULT, 'step': 's',
        'error_code': 'guest_error',
        'message': 'm',
        'data': {
            'a': [1]
        }
    },
    'UpdateBackup': {
        'backup_id': BACKUP,
        'state': 'COMPLETED',
        'size': 1.5,
        'checksum': 'c',
        'location': 'l',
        'backup_type': 'full'
    },
    'Prepare': {
        'datastore_version': '10.11',
        'mount_point': '/var/lib/mysql',
        'memory_mb': 1024,
        'config_contents': '[mysqld]',
        'device': {
            'volume_id': 'v',
            'device_path': '/dev/vdb'
        },
        'new_volume': True,
        'databases': [{
            'name': 'd',
            'character_set': None,
            'collate': 'c'
        }],
        'users': [{
            'name': 'u',
            'password': 'p',
            'host': '%',
            'databases': [{
                'name': 'd'
            }]
        }],
        'root_password': 'r',
        'options': {
            'a': True
        }
    },
    'ApplyConfiguration': {
        'options': {
            'a': True,
            'b': 1,
            'c': 0.5,
            'd': 'e'
        }
    },
    'Restart': {},
    'StartDatabase': {
        'config_contents': '[x]'
    },
    'ReleaseVolume': {},
    'GrowVolume': {
        'size': 3
    },
    'HandOver': {
        'version': '11.4'
    },
    'TakeOver': {
        'datastore_version': '11.4',
        'mount_point': '/var/lib/mysql',
        'config_contents': '[x]',
        'device': {
            'volume_id': BACKUP,
            'device_path': '/dev/vdb'
        },
        'options': {
            'max_connections': 7
        },
        'restore': True,
        'upgrade': False
    },
    'StopDatabase': {
        'do_not_start_on_reboot': True
    },
    'Ping': {},
    'DisableRoot': {},
    'EnableRoot': {
        'password': None
    },
    'ListDatabases': {
        'limit': 5,
        'marker': 'm',
        'include_marker': True
    },
    'ListUsers': {
        'limit': 5
    },
    'CreateDatabases': {
        'databases': [{
            'name': 'd'
        }]
    },
    'DeleteDatabase': {
        'name': 'd'
    },
    'GetUser': {
        'name': 'u',
        'host': '%'
    },
    'DeleteUser': {
        'name': 'u'
    },
    'ListAccess': {
        'name': 'u'
    },
    'CreateUsers': {
        'users': [{
            'name': 'u',
            'password': 'p',
            'databases': []
        }]
    },
    'ChangePasswords': {
        'users': [{
            'name': 'u',
            'password': 'p'
        }]
    },
    'UpdateUser': {
        'name': 'u',
        'changes': {
            'host': '10.%'
        }
    },
    'GrantAccess': {
        'name': 'u',
        'databases': ['d']
    },
    'RevokeAccess': {
        'name': 'u',
        'database': 'd'
    },
    'Diagnose': {},
    'DescribeHardware': {},
    'ListModules': {
        'include_contents': True
    },
    'ApplyModule': {
        'id': BACKUP,
        'name': 'n',
        'type': 'ping',
        'contents': 'c',
        'md5': 32 * 'a',
        'datastore': 'd',
        'datastore_version': '1',
        'tenant': 't',
        'auto_apply': True,
        'visible': False,
        'is_admin': True
    },
    'RemoveModule': {
        'id': BACKUP,
        'type': 'ping'
    },
    'ListLogs': {},
    'SwitchLog': {
        'name': 'general',
        'on': True
    },
    'DiscardLog': {
        'name': 'general'
    },
    'PublishLog': {
        'name': 'general',
        'url': 'https://swift/v1/AUTH_p/logs/a/',
        'query': 'temp_url_sig=0',
        'verify': True,
        'authorities': '-----BEGIN CERTIFICATE-----\n',
        'piece': 2048,
        'expiry': 60,
        'start_over': True
    },
}
KINDS = {**messages.UP, **messages.DOWN}
#: Per kind: messages as releases have sent them, the oldest first. Append one with each new field.
RECORDED = pathlib.Path(__file__).parents[3] / 'data' / 'messages'


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(KINDS)


def _recorded(kind):
    return json.loads((RECORDED / f'{kind}.json').read_text())


def test_every_kind_is_recorded():
    assert {path.stem for path in RECORDED.iterdir()} == set(KINDS)


@pytest.mark.parametrize('kind', sorted(EXAMPLES))
def test_messages_of_older_senders_are_understood(kind):
    """Each recorded message parses, and no value in it is lost."""
    for recorded in _recorded(kind):
        wire = KINDS[kind].from_wire(recorded).to_wire()
        assert wire == {**wire, **_without_version(recorded)}


@pytest.mark.parametrize('kind', sorted(EXAMPLES))
def test_older_receivers_find_all_fields_they_know(kind):
    """A message of today has every field of each recorded one; a new field must be recorded."""
    sent = KINDS[kind].from_wire(EXAMPLES[kind]).to_wire()
    *older, newest = _recorded(kind)
    for recorded in older:
        assert _without_version(recorded).keys() <= sent.keys()
    assert newest.keys() == sent.keys()


@pytest.mark.parametrize('kind', sorted(EXAMPLES))
def test_fields_that_were_added_have_a_default(kind):
    """The oldest recorded message, without the fields added since, is still a whole message."""
    oldest = _recorded(kind)[0]
    for field in dataclasses.fields(KINDS[kind]):
        assert (field.name in oldest or field.default is not dataclasses.MISSING
                or field.default_factory is not dataclasses.MISSING)


def _without_version(recorded):
    """Drop the number that messages carried at first, also those inside a message."""
    if isinstance(recorded, list):
        return [_without_version(item) for item in recorded]
    if isinstance(recorded, dict):
        return {name: _without_version(item) for name, item in recorded.items()
                if name != 'version' or item != 1}
    return recorded


@pytest.mark.parametrize('kind', sorted(EXAMPLES))
def test_message_survives_the_wire(kind):
    message = KINDS[kind].from_wire(EXAMPLES[kind])
    assert KINDS[kind].from_wire(json.loads(json.dumps(message.to_wire()))) == message


@pytest.mark.parametrize('kind', sorted(EXAMPLES))
def test_nothing_is_lost_and_unknown_is_ignored(kind):
    wire = KINDS[kind].from_wire({**EXAMPLES[kind], 'unknown': 1}).to_wire()
    assert 'unknown' not in wire
    for name, value in EXAMPLES[kind].items():
        if name != 'results':
            assert wire[name] == value


@pytest.mark.parametrize('kind, name', [(kind, field.name) for kind, cls in KINDS.items()
                                        for field in dataclasses.fields(cls)])
def test_every_field_of_every_message_is_bounded(kind, name):
    """No field takes a value of a wrong type, something enormous, or what no database can store."""
    for bad in (object(), 10**30, 'x' * 10**6, ['x'] * 10**5, {
            'x': 'y' * 10**6
    }, 'nul\x00', '\ud800', -1, float('nan')):
        with_bad = {**EXAMPLES[kind], name: bad}
        try:
            message = KINDS[kind].from_wire(with_bad)
        except ValueError as problem:
            assert name in str(problem)
            continue
        kept = getattr(message, name)
        # Taken only as a short clean sentence, or as an object of which nothing was kept.
        assert kept == {} or isinstance(kept,
                                        str) and len(kept) <= 256 * 1024 and '\x00' not in kept
        json.dumps(message.to_wire()).encode('utf-8')


@pytest.mark.parametrize('kind', sorted(kind for kind in EXAMPLES if kind in messages.UP))
def test_reports_without_their_required_fields_are_refused(kind):
    with pytest.raises(ValueError, match='missing'):
        KINDS[kind].from_wire({})


@pytest.mark.parametrize('junk', [None, 5, 'x', [], True])
def test_what_is_no_object_is_refused(junk):
    with pytest.raises(ValueError):
        messages.Heartbeat.from_wire(junk)


def test_guest_may_report_only_reportable_states():
    for status in states.ServiceStatus.ALL:
        if status in states.ServiceStatus.REPORTABLE:
            assert messages.Heartbeat.from_wire({'service_status': status}).service_status == status
        else:
            with pytest.raises(ValueError):
                messages.Heartbeat.from_wire({'service_status': status})


def test_too_many_results_are_refused():
    with pytest.raises(ValueError, match='results'):
        messages.Heartbeat.from_wire({
            'service_status': 'healthy',
            'results': [RESULT] * (heartbeat.MAX_RESULTS + 1)
        })


def test_broken_result_names_where():
    with pytest.raises(ValueError, match=r'results\[1\].*outcome'):
        messages.Heartbeat.from_wire({
            'service_status': 'healthy',
            'results': [RESULT, {
                **RESULT, 'outcome': 'x'
            }]
        })


def test_sentences_are_cleaned_and_cut():
    message = messages.CommandResult.from_wire({**RESULT, 'message': 'a\x00b\ud800c' + 'x' * 5000})
    assert message.message.startswith('a b?c')
    assert len(message.message) == 1000


def test_data_has_a_size():
    with pytest.raises(ValueError, match='data'):
        messages.CommandResult.from_wire({**RESULT, 'data': {'x': 'y' * 20000}})


def test_parse_by_kind():
    assert messages.parse(messages.DOWN, 'GetUser', {'name': 'u'}) == messages.GetUser(name='u')
    with pytest.raises(KeyError):
        messages.parse(messages.DOWN, 'Heartbeat', {})


def test_messages_do_not_share_their_defaults():
    first, second = messages.Heartbeat(service_status='healthy'), messages.Heartbeat(
        service_status='healthy')
    first.volume['total'] = 1
    assert second.volume == {}


@pytest.mark.parametrize('check, good, bad', [
    (base.integer(1, 3), [1, 3], [0, 4, 1.0, True, '1', None]),
    (base.number(0, 3), [0, 1.5, 3], [-1, 4, float('nan'), True, '1']),
    (base.flag(), [True, False], [0, 1, 'true', None]),
    (base.one_of('a', 'b'), ['a'], ['c', None, ['a']]),
    (base.text(3, shortest=1), ['a', 'äöü'], ['', 'abcd', None, 5, 'a\x00']),
    (base.identifier(), [BACKUP], ['x' * 36, BACKUP.upper() + ' ', BACKUP + '\n']),
    (base.nullable(base.flag()), [None, True], [5]),
])
def test_checks(check, good, bad):
    for value in good:
        assert check('f', value) == value
    for value in bad:
        with pytest.raises(ValueError, match='f'):
            check('f', value)
