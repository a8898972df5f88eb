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

import io
import threading

import pytest
from control import stages
from control.commands import Cancelled
from control.stages import Display, Runner, Stage, StageError


def stage(name, action=None, needs=()):
    return Stage(name, name.upper(), action or (lambda report: None), needs)


def run(plan, cancel=lambda: None):
    shown = io.StringIO()
    runner = Runner(plan, Display(shown), cancel)
    try:
        runner.run()
    finally:
        run.shown = shown.getvalue()
    return runner


def test_a_stage_runs_after_what_it_needs():
    order = []
    plan = [stage('c', lambda report: order.append('c')),
            stage('a', lambda report: order.append('a'), needs=('c',)),
            stage('b', lambda report: order.append('b'), needs=('a',))]
    runner = run(plan)
    assert order == ['c', 'a', 'b']
    assert set(runner.times) == {'a', 'b', 'c'}


def test_stages_that_do_not_need_each_other_run_side_by_side():
    meeting = threading.Barrier(2, timeout=5)
    run([
        stage('a', lambda report: meeting.wait() and None),
        stage('b', lambda report: meeting.wait() and None)
    ])


def test_a_failure_stops_running_stages_and_starts_no_others():
    stopped, began = threading.Event(), []

    def fails(report):
        raise OSError('no such disk')

    def long(report):
        assert stopped.wait(5)
        raise Cancelled

    plan = [
        stage('long', long),
        stage('fails', fails),
        stage('later', lambda report: began.append(1), needs=('fails',))
    ]
    with pytest.raises(StageError, match='FAILS: OSError: no such disk'):
        run(plan, stopped.set)
    assert began == []


def test_result_and_progress_of_a_stage_are_shown():
    def action(report):
        report('half way')
        return 'built'
    run([stage('a', action)])
    assert 'A: half way' in run.shown
    assert 'A: built (' in run.shown


@pytest.mark.parametrize('plan',
                         [[stage('a', needs=('b',)), stage('b')], [stage('a', needs=('unknown',))],
                          [stage('a'), stage('a')]])
def test_a_plan_that_cannot_be_carried_out_is_refused(plan):
    with pytest.raises(ValueError, match='a'):
        Runner(plan, Display(io.StringIO()), lambda: None)


def test_the_table_has_a_line_for_each_stage_that_ran():
    text = stages.table([stage('one'), stage('two')], {'one': 1.25}, {'one': 0.5})
    assert 'ONE' in text and '0.5 s' in text and 'TWO' not in text.splitlines()[-1]
