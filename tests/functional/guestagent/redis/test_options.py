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
"""Options of a real server: taken, waiting, refused, adjusted."""

import resource

import pytest

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.redis import options


def test_options_are_taken_wait_or_are_refused_one_by_one(server, engine):
    changes = {
        'maxmemory': '300mb',
        'maxmemory-policy': 'allkeys-lru',
        'databases': '32',
        'save': '900 1 300 10',
        'notify-keyspace-events': 'KEA',
        'client-output-buffer-limit': 'pubsub 64mb 16mb 90',
        'hz': 'many',
        'activedefrag': 'yes',
        'rename-command': 'X ""'
    }
    applied = engine.apply_options(changes)
    assert applied.waiting == {'databases', 'rename-command'}
    assert set(applied.refused) >= {'hz'} and 'integer' in applied.refused['hz']
    assert {'maxmemory', 'maxmemory-policy', 'save', 'notify-keyspace-events',
            'client-output-buffer-limit'} <= applied.taken
    assert applied.adjusted == {}
    taken = {name: changes[name] for name in applied.taken}
    assert engine.drifted_options(taken) == {}
    with server.agent() as session:
        assert session.settings('maxmemory')['maxmemory'] == str(300 * 2 ** 20)
        session.call('CONFIG', 'SET', 'maxmemory', '100mb')
    assert engine.drifted_options(taken) == {'maxmemory': str(100 * 2 ** 20)}
    engine.apply_options(dict.fromkeys(taken))
    with server.agent() as session:
        back = session.settings('maxmemory', 'maxmemory-policy', 'save', 'notify-keyspace-events')
    assert back == {
        'maxmemory': '0',
        'maxmemory-policy': 'noeviction',
        'save': '3600 1 300 100 60 10000',
        'notify-keyspace-events': ''
    }


def test_an_adjusted_value_is_shown_as_the_engine_has_it(engine):
    assert engine.apply_options({'hz': '100000'}).adjusted == {'hz': '500'}
    engine.apply_options({'hz': None})


@pytest.mark.parametrize(('text', 'expected'),
                         [('maxmemory plenty\n', 'maxmemory plenty.*memory value'),
                          ('nonsense 1\n', 'nonsense.*Bad directive'), ('hz 1 2\n', 'hz'),
                          ('loglevel loud\n', 'loglevel.*one of'),
                          ('dir /nowhere\n', 'dir.*No such file')])
def test_files_the_server_would_not_start_with_are_refused_before(server, engine, text, expected):
    server.write('71-trove-user.conf', text)
    try:
        # The last layer wins, but the server reads all layers.
        with pytest.raises(EngineError, match=expected):
            engine.validate_configuration(server.place)
    finally:
        (server.layers / '71-trove-user.conf').unlink()
    engine.validate_configuration(server.place)


def test_a_check_does_not_allocate_the_requested_memory(server, engine):
    """Otherwise the machine could run out of memory."""
    server.write('71-trove-user.conf', 'databases 2147483647\n')
    try:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        engine.validate_configuration(server.place)
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 65536), 'kB'
    finally:
        (server.layers / '71-trove-user.conf').unlink()


def test_the_last_layer_wins_and_is_read_as_the_server_reads_it(server, engine):
    server.write('71-trove-user.conf',
                 'maxmemory 111mb\nappendonly no\nbind 10.9.9.9\nlatency-monitor-threshold 7\n')
    try:
        server.restart()
        layers: dict[str, str] = {}
        for path in sorted(server.layers.glob('*.conf')):
            layers.update(engine.parse_options(path.read_text()))
        assert layers['maxmemory'] == '111mb' and layers['bind'] == '* -::*'
        with server.agent() as session:
            running = session.settings('*')
        assert {name for name, value in layers.items() if name in running
                and not options.same(name, value, running[name])} == set()
        assert running['latency-monitor-threshold'] == '7'
    finally:
        (server.layers / '71-trove-user.conf').unlink()
        server.restart()
