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
"""Connections while the server is full, replaced or gone; volumes of earlier machines."""

import contextlib
import os
import pathlib
import threading
import time

import pytest

from tests.functional.guestagent.redis.running import VERSIONS, make
from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut, Restart
from trove.guestagent.datastore.redis import connection


@contextlib.contextmanager
def all_connections_used(server):
    """Use all connections of the server, and yield them."""
    with contextlib.ExitStack() as held:
        server.engine.apply_options({'maxclients': '10'})
        links = []
        try:
            with pytest.raises(connection.Full):
                for _ in range(20):
                    # The server has replied to the login, so it counts the connection.
                    links.append(held.enter_context(
                        connection.session(server.socket, server.engine._password())))
            yield links
        finally:
            server.engine.apply_options({'maxclients': '1000'})


def test_the_agent_works_while_clients_use_all_connections(server, engine):
    with all_connections_used(server):
        engine.probe()
        make(engine)
        assert engine.user_names() == [('clerk', '%')]
        with pytest.raises(connection.Full):
            server.as_user('clerk', 'secret', 'PING')
        assert engine.facts().uptime >= 0
        assert engine.drifted_options({'maxclients': '1000'}) == {'maxclients': '10'}
        engine.delete_user('clerk', '%')
        engine.probe()


def test_another_agent_reports_that_the_server_is_full(server, engine):
    with all_connections_used(server):
        with pytest.raises(EngineUnavailable) as full:
            server.another_engine().probe()
        assert full.value.answering and 'clients' in full.value.message


def test_another_agent_gets_the_next_free_connection(server, engine):
    waits = []

    def wait(seconds):
        if not waits:
            links[0].close()
        waits.append(seconds)
        time.sleep(seconds)

    with all_connections_used(server) as links:
        kept = connection.KeptConnection(server.socket, engine._password, full_timeout=20,
                                         sleep=wait)
        with contextlib.closing(kept), kept.session() as session:
            assert session.call('PING') == 'PONG' and waits


def test_a_connection_that_was_ended_is_replaced(server, engine):
    engine.probe()
    with connection.session(server.socket, engine._password()) as session:
        assert session.call('CLIENT', 'KILL', 'USER', 'os_admin', 'SKIPME', 'yes') == 1
    engine.probe()
    make(engine)
    assert engine.user_names() == [('clerk', '%')]


def test_a_late_reply_is_not_taken_for_the_next_one(server, engine):
    with engine._session(timeout=0.2) as session, pytest.raises(EngineUnavailable):
        session.call('BLPOP', 'nothing', '1')
    assert engine.user_names() == []


def test_the_agents_connection_is_not_the_one_that_goes_when_clients_take_too_much_memory(
        server, engine):
    with server.agent() as session:
        own = [
            line for line in session.call('CLIENT', 'LIST').splitlines()
            if ' user=os_admin ' in line
        ]
    assert len(own) == 1 and 'e' in own[0].partition(' flags=')[2].partition(' ')[0]


def test_threads_of_the_agent_take_turns(server, engine):
    wrong = []

    def speak(word):
        for number in range(200):
            with server.agent() as session:
                if session.call('ECHO', f'{word} {number}') != f'{word} {number}':
                    wrong.append((word, number))

    threads = [threading.Thread(target=speak, args=(word,)) for word in ('one', 'two', 'three')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with server.agent() as outer:
        with server.agent() as inner:
            assert inner.call('PING') == 'PONG'
        assert outer.call('PING') == 'PONG'


def test_an_engine_that_is_not_there_does_not_answer(server, engine):
    server.stop()
    try:
        with pytest.raises(EngineUnavailable) as gone:
            engine.probe()
        assert not gone.value.answering
    finally:
        server.start()


def test_facts(server, engine):
    facts = engine.facts()
    assert facts.version.startswith(VERSIONS[server.kind] + '.') and facts.uptime >= 0


class RestartServer(Restart):
    def __init__(self, server):
        self.server = server

    def with_environment(self, name, value):
        raise AssertionError('nothing of the environment is needed')

    def now(self):
        self.server.restart()


def test_an_agent_that_is_locked_out_gets_its_account_back_and_the_users_stay(server, engine):
    make(engine)
    with server.agent() as session:
        session.call('ACL', 'SETUSER', 'os_admin', 'resetpass', '>somebody elses')
        session.call('ACL', 'SAVE')
    engine.probe()
    server.restart()
    with pytest.raises(LockedOut):
        engine.probe()
    engine.restore_account(RestartServer(server))
    engine.probe()
    assert server.as_user('clerk', 'secret', 'PING') == 'PONG'


def test_a_volume_that_comes_back_is_known(server, engine):
    assert engine.is_initialised(server.place)
    credentials = pathlib.Path(server.place.state_directory, f'{server.product}-agent.json')
    before = credentials.read_text()
    server.another_engine().probe()
    assert credentials.read_text() == before


def test_data_of_a_later_series_are_not_given_to_an_earlier_one(server, engine):
    engine.check_upgrade(server.place, VERSIONS[server.kind])
    engine.check_upgrade(server.place, '9.0')
    with pytest.raises(EngineError) as refused:
        engine.check_upgrade(server.place, '6.2')
    assert refused.value.code == 'guest_upgrade_refused'
    engine.prepare_upgrade(server.place, '9.0')
    assert os.path.exists(os.path.join(server.place.data_directory, 'dump.rdb'))
