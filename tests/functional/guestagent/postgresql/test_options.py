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
"""Options: refused by the check, taken at once, waiting, or never a tenant's."""

import os
import pathlib
import pwd
import shutil
import subprocess
import time

import pytest

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.postgres import options


@pytest.fixture
def layers(server):
    """Return a writer of the tenant's layer, which is emptied afterwards."""
    yield lambda values: server.write_layer('71-trove-user.conf', values)
    server.layer('71-trove-user.conf').unlink(missing_ok=True)
    server.engine.validate_configuration(server.place)
    server.rows('SELECT pg_reload_conf()')


@pytest.mark.parametrize('values, words', [
    ({'no_such_option': '1'}, 'no_such_option'), ({'work_mem': 'plenty'}, 'work_mem'),
    ({'work_mem': '1kB'}, 'work_mem'),
    ({'max_connections': '3'}, 'max_connections'), ({'wal_sync_method': 'hope'}, 'wal_sync_method'),
    ({'shared_buffers': '900GB'}, 'shared_buffers'), ({'autovacuum': 'perhaps'}, 'autovacuum')])
def test_a_configuration_it_would_not_start_with_is_refused(server, layers, values, words):
    """The check does not disturb the running server."""
    layers(values)
    with pytest.raises(EngineError, match=words):
        server.engine.validate_configuration(server.place)
    server.engine.probe()


def test_options_are_taken_at_once_or_wait(server, engine, layers):
    layers({'work_mem': '12MB', 'max_connections': '30', 'log_min_duration_statement': '250ms'})
    engine.validate_configuration(server.place)
    applied = engine.apply_options({
        'work_mem': '12MB',
        'max_connections': '30',
        'log_min_duration_statement': '250ms'
    })
    assert applied.taken == {'work_mem', 'log_min_duration_statement'}
    assert applied.waiting == {'max_connections'} and not applied.refused and not applied.adjusted
    with engine._plain_session() as session:
        assert session.scalar('SHOW work_mem') == '12MB' and session.scalar(
            'SHOW max_connections') == '20'
    assert engine.drifted_options({'work_mem': '12MB', 'log_min_duration_statement': '250ms'}) == {}
    server.layer('71-trove-user.conf').unlink()
    applied = engine.apply_options({
        'work_mem': None,
        'max_connections': '20',
        'log_min_duration_statement': None
    })
    assert applied.taken == {'work_mem', 'log_min_duration_statement', 'max_connections'}
    with engine._plain_session() as session:
        assert session.scalar('SHOW work_mem') == '4MB'


@pytest.mark.parametrize('name, value', [('archive_command', 'id'), ('port', '1'),
                                         ('hba_file', '/tmp/x'), ('shared_preload_libraries', 'x'),
                                         ('listen_addresses', ''), ('server_version', '1'),
                                         ('never_heard_of', '1')])
def test_what_must_hold_is_not_changed_by_a_file(server, engine, layers, name, value):
    before = dict(server.rows('SELECT name, setting FROM pg_settings'))
    layers({} if name == 'never_heard_of' else {name: value})
    applied = engine.apply_options({name: value})
    assert set(applied.refused) == {name} and not applied.taken and not applied.waiting
    assert dict(server.rows('SELECT name, setting FROM pg_settings')).get(name) == before.get(name)


def test_not_even_by_alter_system(server, engine):
    """Only a superuser may do that, and only the agent is one."""
    server.rows("ALTER SYSTEM SET archive_command = 'touch /tmp/should-not-be'")
    server.rows("ALTER SYSTEM SET work_mem = '77MB'")
    server.restart()
    try:
        with engine._plain_session() as session:
            assert 'should-not-be' not in session.scalar('SHOW archive_command')
            assert session.scalar(
                "SELECT source FROM pg_settings WHERE name = 'archive_command'") == 'command line'
        assert engine.drifted_options({
            'work_mem': '4MB',
            'port': '1'
        }) == {
            'work_mem': str(77 * 1024)
        }
        assert engine.drifted_options({'work_mem': '78848kB'}) == {}
    finally:
        server.rows('ALTER SYSTEM RESET ALL')
        server.rows('SELECT pg_reload_conf()')


def test_finished_log_is_archived_once_there_is_an_archive(server):
    archive = server.directory / 'volume/wal_archive'
    server.rows('CREATE TABLE IF NOT EXISTS public.busy (a int)')
    archive.mkdir()
    owner = pwd.getpwnam('postgres')
    os.chown(archive, owner.pw_uid, owner.pw_gid)
    try:
        server.rows('INSERT INTO public.busy VALUES (1)')
        server.rows('SELECT pg_switch_wal()')
        deadline = time.monotonic() + 20
        while not [path for path in archive.iterdir() if not path.name.startswith('.')]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # The server repeats the command for the same segment after a crash.
        (segment,) = (path for path in archive.iterdir() if not path.name.startswith('.'))
        line = options.archive_command(server.place.mount_point).replace('%p',
                                                                         str(segment)).replace(
                                                                             '%f', segment.name)
        assert subprocess.run(['sh', '-c', line], check=False).returncode == 0
        other = server.directory / 'other'
        other.write_text('other')
        line = options.archive_command(server.place.mount_point).replace('%p', str(other)).replace(
            '%f', segment.name)
        assert subprocess.run(['sh', '-c', line], check=False).returncode != 0
    finally:
        shutil.rmtree(archive)


def test_the_log_goes_on_after_it_was_moved_aside(server, engine):
    log = pathlib.Path(server.place.log_directory, 'postgresql.log')
    aside = log.with_name('aside')
    log.rename(aside)
    engine.reopen_log(engine.description.logs[0])
    deadline = time.monotonic() + 10
    while not log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert log.stat().st_mode & 0o777 == 0o640
