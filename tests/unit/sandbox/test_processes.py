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

import base64
import hashlib
import stat

import pytest
from control import checks, processes, rabbitmq, secretstore, status

#: /proc/PID/stat of a process whose name holds everything a name may hold.
STAT = '4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3'


def test_the_start_time_is_found_behind_any_name():
    assert processes.parse_start_time(STAT) == 987654


def test_a_zombie_does_not_run():
    assert processes.parse_start_time(STAT.replace(') S', ') Z')) is None


def test_a_record_of_a_number_that_was_given_away_names_nobody(tmp_path):
    record = processes.Record(tmp_path / 'service.pid')
    own = processes.start_time(1)
    record.write(processes.Process(1, own))
    assert record.read() == processes.Process(1, own)
    record.write(processes.Process(1, own + 1))
    assert record.read() is None
    record.forget()
    assert record.read() is None


def test_a_broken_record_names_nobody(tmp_path):
    (tmp_path / 'service.pid').write_text('{"pid": ')
    assert processes.Record(tmp_path / 'service.pid').read() is None


def test_secrets_are_kept_and_private(tmp_path):
    store = secretstore.SecretStore(tmp_path / 'secrets')
    first = store.get('a')
    assert store.get('a') == first != store.get('b')
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / 'secrets' / 'a').stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / 'secrets').stat().st_mode) == 0o700
    assert len(base64.urlsafe_b64decode(store.get_key('k'))) == 32


def test_the_hash_of_a_broker_password_is_the_brokers():
    salt = b'\x90\x8d\xc6\x0a'
    value = base64.b64decode(rabbitmq.password_hash('test12', salt))
    assert value[:4] == salt
    # The example of RabbitMQ's documentation.
    assert rabbitmq.password_hash('test12',
                                  salt) == 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR'
    assert value[4:] == hashlib.sha256(salt + b'test12').digest()


def test_guests_and_control_plane_have_a_bus_each(tmp_path):
    made = rabbitmq.definitions(secretstore.SecretStore(tmp_path))
    permissions = {(entry['user'], entry['vhost']) for entry in made['permissions']}
    assert (rabbitmq.CONTROL_USER, rabbitmq.GUEST_VHOST) not in permissions
    assert (rabbitmq.GUEST_BUS_USER, rabbitmq.CONTROL_VHOST) not in permissions
    assert not any(secret.read_text() in str(made) for secret in tmp_path.iterdir())


LISTENING = '   0: 0100007F:491E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0'
CONNECTED = LISTENING.replace(' 0A ', ' 01 ').replace('4242', '4343')


@pytest.mark.parametrize(('lines', 'port', 'found'), [([LISTENING, CONNECTED], 0x491e, {'4242'}),
                                                      ([LISTENING], 80, set()),
                                                      ([CONNECTED], 0x491e, set()),
                                                      ([''], 80, set())])
def test_who_listens_is_found_by_inode(lines, port, found):
    assert checks.listening_inodes(lines, port) == found


@pytest.mark.parametrize(('destination', 'mask', 'meets'), [
    ('000018AC', '00FFFFFF', True),    # 172.24.0.0/24
    ('000010AC', '0000F0FF', True),    # 172.16.0.0/12 holds it
    ('800018AC', '80FFFFFF', True),    # 172.24.0.128/25 is in it
    ('000118AC', '00FFFFFF', False),   # 172.24.1.0/24
    ('0000000A', '000000FF', False)])  # 10.0.0.0/8
def test_networks_that_meet(destination, mask, meets):
    assert checks.overlaps(destination, mask, 0xac180000, 0xffffff00) is meets


def test_columns_are_as_wide_as_they_must_be():
    text = status.table([('a', 'long value'), ('longer', 'b')], ('ONE', 'TWO'))
    assert text.splitlines() == ['ONE     TWO', 'a       long value', 'longer  b']
