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

from trove.guestagent.datastore.health import MIN_FREE, PATIENCE, Health, Probe, judge, with_volume
from trove.guestagent.system.systemd import UnitState

FAILED_ONCE = Probe(answered=False, failures=1, reason='no answer')


def unit(active, sub='', result='success', loaded=True):
    return UnitState(loaded=loaded, active=active, sub=sub, result=result, restarts=0)


def test_an_answered_query_is_healthy_in_any_state_of_the_unit():
    for state in (unit('active'), unit('failed', result='exit-code'), unit('', loaded=False), None):
        assert judge(Probe(answered=True), state, should_run=True) == Health('healthy')


@pytest.mark.parametrize('state, status', [
    (unit('active', 'running'), 'running'),
    (unit('activating', 'start'), 'running'),
    (unit('activating', 'start-post'), 'running'),
    (unit('activating', 'auto-restart', 'exit-code'), 'running'),
    (unit('activating', 'auto-restart', 'signal'), 'crashed'),
    (unit('activating', 'auto-restart', 'core-dump'), 'crashed'),
    (unit('activating', 'auto-restart', 'oom-kill'), 'crashed'),
    (unit('deactivating', 'stop-sigterm'), 'running'),
    (unit('inactive', 'dead'), 'shutdown'),
    (unit('failed', 'failed', 'exit-code'), 'crashed'),
    (unit('failed', 'failed', 'signal'), 'crashed'),
    (unit('inactive', 'dead', loaded=False), 'unknown'),
    (None, 'unknown'),
])
def test_without_an_answer_systemd_decides(state, status):
    assert judge(FAILED_ONCE, state, should_run=True).status == status


def test_a_hang_is_starting_first_and_crashed_later():
    seen = [
        judge(Probe(answered=False, failures=count, reason='timed out'), unit('active'),
              should_run=True) for count in range(1, PATIENCE + 2)
    ]
    assert [health.status for health in seen] == ['running'] * PATIENCE + ['crashed']
    assert seen[-1].reason == 'hung: timed out'


def test_an_engine_that_replies_is_never_hung():
    probe = Probe(answered=False, failures=99, reason='no free connection', replied=True)
    assert judge(probe, unit('active'),
                 should_run=True) == Health('running', 'no free connection')


def test_a_requested_stop_that_systemd_reports_as_failed_is_a_stop():
    assert judge(FAILED_ONCE, unit('failed', 'failed', 'signal'),
                 should_run=False) == Health('shutdown')
    assert judge(FAILED_ONCE, unit('inactive', 'dead'), should_run=False) == Health('shutdown')


@pytest.mark.parametrize(('seen', 'available', 'read_only', 'expected'), [
    (Health('healthy'), MIN_FREE, False, Health('healthy')),
    (Health('healthy'), MIN_FREE - 1, False, Health('running', 'the data volume is full')),
    (Health('healthy'), 10 * MIN_FREE, True, Health('running', 'the data volume is read-only')),
    (Health('healthy'), 0, True, Health('running', 'the data volume is read-only')),
    (Health('crashed', 'failed: exit-code'), 0, False,
     Health('crashed', 'failed: exit-code; the data volume is full')),
    (Health('shutdown'), 0, False, Health('shutdown', 'the data volume is full')),
    (Health('crashed', 'failed: signal'), MIN_FREE, False, Health('crashed', 'failed: signal'))])
def test_an_engine_that_cannot_write_is_up_and_not_healthy(seen, available, read_only, expected):
    assert with_volume(seen, available, read_only=read_only) == expected
