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

"""Logs: switched, published in pieces to the project's account, discarded, and failures of each."""

import functools
import json
import pathlib

import pytest

from tests.functional.world import PROJECT
from trove.cloud import clouds
from trove.common.rpc import messages
from trove.guestagent.api import GuestAPI
from trove.taskmanager.orphans import Search

CONTAINER = 'database_logs'
GREETING = 'größe: 数据库 🐬\n'


@pytest.fixture
def instance_id(world):
    made = world.create()
    world.settle()
    assert world.status(made) == 'ACTIVE'
    return made


class Log:
    """Log of an instance, seen from the guest, the file and the object store."""

    def __init__(self, world, instance_id, name='general'):
        self.world, self.instance_id, self.name = world, instance_id, name
        self.prefix = f'{instance_id}/mariadb-{name}/'
        self.metafile = f'{instance_id}/mariadb-{name}_metafile'

    @property
    def path(self):
        return pathlib.Path(
            self.world.guest(self.instance_id).machine.path('/var/lib/mysql/logs'),
            f'{self.name}.log')

    def write(self, text):
        with self.path.open('ab') as stream:
            stream.write(text if isinstance(text, bytes) else text.encode())

    def ask(self, message):
        key = self.world.keys.open(self.instance_id, self.world.row(self.instance_id).encrypted_key)
        return GuestAPI(self.world.guest_bus, self.instance_id, key).call(message, 5)

    def entry(self):
        return next(log for log in self.ask(messages.ListLogs())['logs']
                    if log['name'] == self.name)

    def figures(self):
        entry = self.entry()
        return entry['status'], entry['published'], entry['pending']

    def switch(self, on=True):
        return self.ask(messages.SwitchLog(name=self.name, on=on))['log']

    def publish(self, **how):
        self.world.publish_log(self.instance_id, self.name, **how)
        self.world.settle()
        return self.world.operations(self.instance_id)[-1]

    def pieces(self):
        return [
            name for name in self.world.cloud.objects.names(PROJECT, CONTAINER)
            if name.startswith(self.prefix)
        ]

    def stored(self):
        return b''.join(
            self.world.cloud.objects.content(PROJECT, CONTAINER, name) for name in self.pieces())

    def record(self):
        return json.loads(self.world.cloud.objects.content(PROJECT, CONTAINER, self.metafile))


@pytest.fixture
def log(world, instance_id):
    return Log(world, instance_id)


def test_a_log_goes_through_its_states_with_sizes_in_bytes(log):
    size = len(GREETING.encode())
    assert log.figures() == ('Disabled', 0, 0)
    log.switch()
    log.write('')
    assert log.figures() == ('Enabled', 0, 0)
    log.write(GREETING)
    assert log.figures() == ('Ready', 0, size)
    assert log.publish().state == 'succeeded'
    assert log.figures() == ('Published', size, 0)
    log.write(GREETING)
    assert log.figures() == ('Partial', size, size)
    log.publish()
    assert log.figures() == ('Published', 2 * size, 0)
    assert log.stored().decode() == 2 * GREETING
    log.switch(False)
    assert log.figures() == ('Disabled', 2 * size, 0)


def test_pieces_are_cut_at_lines_and_counted(log, conf, world):
    conf.set_override('guest_log_limit', 1024)
    log.switch()
    log.write(GREETING * 200)
    log.publish()
    assert log.stored().decode() == GREETING * 200
    store = world.cloud.objects.accounts[PROJECT][CONTAINER].objects
    pieces = [store[name] for name in log.pieces()]
    assert len(pieces) > 4
    assert all(len(piece.content) <= 1024 and piece.content.endswith(b'\n') for piece in pieces)
    assert sum(int(piece.headers['X-Object-Meta-Lines']) for piece in pieces) == 200
    assert all(piece.until for piece in pieces), 'pieces that never expire'
    # Clients join the pieces in the order of storage.
    assert sorted(pieces, key=lambda piece: piece.modified) == pieces
    record = log.record()
    assert len(record.pop('log_header_digest')) == 64
    assert record == {'log_name': 'general', 'log_type': 'USER', 'log_file': 'general.log',
                      'log_size': len(GREETING.encode()) * 200}


def test_a_line_longer_than_a_piece_is_cut_between_characters(log, conf):
    conf.set_override('guest_log_limit', 1024)
    log.switch()
    log.write('🐬' * 1000 + '\n')
    log.publish()
    assert log.stored().decode() == '🐬' * 1000 + '\n'


def test_what_is_no_text_can_be_read_by_clients_all_the_same(log):
    log.switch()
    log.write(b'INSERT INTO t VALUES (\xff\xfe)\n')
    log.publish()
    assert log.stored().decode() == 'INSERT INTO t VALUES (\\xff\\xfe)\n'
    assert log.figures() == ('Published', 26, 0)


def test_half_a_character_at_the_end_waits_for_its_other_half(log):
    log.switch()
    whole = 'ä\n'.encode()
    log.write(b'one\n' + whole[:1])
    log.publish()
    assert log.figures() == ('Partial', 4, 1)
    log.write(whole[1:])
    log.publish()
    assert log.stored().decode() == 'one\nä\n'


@pytest.mark.parametrize('rotate', [
    lambda log: (log.path.unlink(), log.write('a new file that is longer than the former one\n')),
    lambda log: (log.path.write_text(''), log.write('short\n')),
    lambda log: log.path.write_text('same file, other words, longer than before\n'),
], ids=['another file', 'shorter', 'other words'])
def test_a_rotated_log_starts_over_and_takes_the_former_pieces_away(log, rotate):
    log.switch()
    log.write('the former words of it\n')
    log.publish()
    rotate(log)
    assert log.entry()['status'] == 'Rotated'
    assert log.entry()['pending'] == log.path.stat().st_size
    log.publish()
    assert log.stored() == log.path.read_bytes()
    assert log.figures() == ('Published', log.path.stat().st_size, 0)


def test_discarding_takes_all_pieces_and_the_record_away(log, world, instance_id):
    log.switch()
    log.write(GREETING)
    log.publish()
    world.discard_log(instance_id, 'general')
    world.settle()
    assert world.cloud.objects.names(PROJECT, CONTAINER) == []
    assert log.figures() == ('Ready', 0, len(GREETING.encode()))
    assert log.entry()['stored'] is False
    log.publish()
    assert log.stored().decode() == GREETING


def test_what_was_published_goes_with_the_instance(log, world, instance_id):
    other = Log(world, world.create())
    world.settle()
    for each in (log, other):
        each.switch()
        each.write(GREETING)
        each.publish()
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404'
    assert world.cloud.objects.names(PROJECT,
                                     CONTAINER) == sorted([*other.pieces(), other.metafile])


@pytest.mark.parametrize(('status', 'reported'), [(503, True), (403, False)])
def test_an_object_store_that_is_away_keeps_no_instance(log, world, instance_id, status, reported):
    log.switch()
    log.write(GREETING)
    log.publish()
    world.cloud.faults.request('object', 'GET', CONTAINER, mode='status', status=status, times=99)
    world.delete(instance_id)
    world.settle(seconds=120)
    assert world.status(instance_id) == '404' and set(world.usage().values()) == {0}
    assert ('instance_delete.logs_left' in world.events(instance_id)) is reported
    world.cloud.faults.clear()
    assert [
        item.kind for item in Search(world.conf, functools.partial(
            clouds.service_cloud, world.conf), world.broker).orphans()
    ] == ['objects']


def test_publishing_anew_leaves_only_what_was_stored_now(log):
    log.switch()
    log.write(GREETING)
    log.publish()
    former = log.pieces()
    log.publish(start_over=True)
    assert log.stored().decode() == GREETING
    assert not set(former) & set(log.pieces())


def test_guests_get_the_authorities_to_trust(log, world, instance_id, conf, tmp_path):
    machine = world.guest(instance_id).machine
    log.switch()
    log.write(GREETING)
    log.publish()
    assert machine.trusted == ''
    (tmp_path / 'ca.pem').write_text('-----BEGIN CERTIFICATE-----\n')
    conf.set_override('guest_swift_ca_file', str(tmp_path / 'ca.pem'))
    log.write(GREETING)
    assert log.publish().state == 'succeeded' and machine.trusted == '-----BEGIN CERTIFICATE-----\n'
    for content in (b'x' * 200_000, b'\xff'):
        (tmp_path / 'ca.pem').write_bytes(content)
        log.write(GREETING)
        ended = log.publish()
        assert (ended.state, ended.error_code) == ('failed',
                                                   'internal') and 'ca.pem' in ended.error_detail


def test_an_empty_log_is_published_as_nothing(log):
    log.switch()
    log.write('')
    assert log.publish().state == 'succeeded'
    assert log.pieces() == []
    assert log.figures() == ('Enabled', 0, 0)


def test_the_journals_lines_are_the_error_log(world, instance_id):
    log = Log(world, instance_id, 'error')
    unit = world.guest(instance_id).machine.unit('memory')
    unit.logged += ['[Note] ready for connections', '[Warning] grüße']
    assert log.figures() == ('Ready', 0, sum(len(f'{line}\n'.encode()) for line in unit.logged))
    log.publish()
    unit.logged.append('[Note] more')
    assert log.entry()['status'] == 'Partial'
    log.publish()
    assert log.stored().decode() == ''.join(f'{line}\n' for line in unit.logged)


def test_a_failed_upload_is_retried_and_nothing_is_stored_twice(log, conf, world):
    conf.set_override('guest_log_limit', 1024)
    log.switch()
    log.write(GREETING * 200)
    world.cloud.faults.request('object', 'PUT', 'mariadb-general/', mode='status', status=503,
                               times=1, nth=3)
    operation = log.publish()
    assert operation.state == 'succeeded'
    assert log.stored().decode() == GREETING * 200


def test_a_lost_response_does_not_store_a_piece_twice(log, conf, world):
    conf.set_override('guest_log_limit', 1024)
    log.switch()
    log.write(GREETING * 200)
    world.cloud.faults.request('object', 'PUT', 'mariadb-general/', mode='after', times=1, nth=3)
    assert log.publish().state == 'succeeded'
    assert log.stored().decode() == GREETING * 200


class Killed(BaseException):
    """Exception that stands for kill -9 of the agent."""


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_an_agent_that_dies_in_an_upload_goes_on_with_the_same_piece(log, conf, world, instance_id,
                                                                     moment):
    conf.set_override('guest_log_limit', 1024)
    log.switch()
    log.write(GREETING * 200)
    guest = world.guest(instance_id)
    upload, sent = guest.machine.web, []

    def dies(url, content, headers):
        sent.append(url)
        if len(sent) != 3 or moment == 'after':
            upload(url, content, headers)
        if len(sent) == 3:
            raise Killed
    guest.machine.web = dies
    world.publish_log(instance_id, 'general')
    with pytest.raises(Killed):
        world.settle()
    guest.kill()
    guest.start()
    world.settle()
    assert log.stored().decode() == GREETING * 200
    assert len(log.pieces()) == len({url.partition('?')[0] for url in sent})
    assert log.figures() == ('Published', len(GREETING.encode()) * 200, 0)


def test_an_object_store_that_is_away_ends_the_publish_and_not_the_instance(
        log, world, instance_id):
    log.switch()
    log.write(GREETING)
    world.cloud.faults.request('object', 'PUT', CONTAINER, mode='status', status=503, times=100)
    operation = log.publish()
    assert (operation.state, operation.error_code) == ('failed', 'object_store_failed')
    assert world.status(instance_id) == 'ACTIVE'
    world.cloud.faults.clear()
    assert log.publish().state == 'succeeded'


def test_a_link_in_the_place_of_a_log_is_not_read(log, world, instance_id, tmp_path):
    secret = tmp_path / 'secret'
    secret.write_text('Canary-5ecret\n')
    log.switch()
    log.write('')
    log.path.unlink()
    log.path.symlink_to(secret)
    assert log.entry()['status'] == 'Unavailable'
    operation = log.publish()
    assert (operation.state, operation.error_code) == ('failed', 'guest_log_failed')
    assert log.pieces() == []


def test_a_log_that_needs_a_restart_shows_it_until_the_restart(world, instance_id):
    log = Log(world, instance_id, 'audit')
    assert log.switch()['status'] == 'Restart Required'
    world.restart(instance_id)
    world.settle()
    log.write('x\n')
    assert log.figures() == ('Ready', 0, 2)


def test_what_was_published_is_known_after_a_restart_of_the_machine(log, world, instance_id):
    log.switch()
    log.write(GREETING)
    log.publish()
    world.reboot(instance_id)
    world.settle()
    assert log.figures() == ('Published', len(GREETING.encode()), 0)


def test_a_large_log_goes_on_in_a_new_file(log, world, instance_id):
    manager = world.guest(instance_id).agent._manager
    manager.logs._rotate_at = 100
    log.switch()
    log.write('x' * 101)
    world.tick()
    assert log.path.read_bytes() == b''
    assert log.path.with_name('general.log.1').stat().st_size == 101


def test_no_url_and_no_key_is_written_down_by_the_control_plane(log, world, caplog):
    log.switch()
    log.write(GREETING)
    with caplog.at_level('DEBUG'):
        log.publish()
    assert 'temp_url_sig' not in world.journal() + caplog.text
    assert all('temp_url_sig' not in row.facts + row.args
               for row in world.operations(log.instance_id))
