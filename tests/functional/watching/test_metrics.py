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

"""Metrics of a task manager and a conductor in a simulated world."""

import urllib.error
import urllib.request

import pytest
from prometheus_client import parser

from trove.common.process import metrics
from trove.taskmanager import metrics as taskmanager_metrics


@pytest.fixture
def shown(world):
    """Return all metrics by name and labels."""
    taskmanager_metrics.register(world.clock)
    world.conductor.register_metrics()
    world.runner.on_step = taskmanager_metrics.observe_step
    world.runner.on_close = lambda closed: taskmanager_metrics.OPERATIONS.observe(
        (world.clock() - closed.work.created).total_seconds(), closed.work.kind, closed.state)

    def look():
        return {(sample.name, *sample.labels.values()): sample.value
                for family in parser.text_string_to_metric_families(metrics.REGISTRY.text())
                for sample in family.samples}
    return look


def test_operations_steps_and_reports(world, shown):
    before = shown()
    instance_id = world.create()
    world.clock.advance(7)
    during = shown()
    assert during[('trove_open_operations', 'instance_create')] == 1
    assert during[('trove_open_operation_oldest_seconds', 'instance_create')] == 7
    world.settle()
    after = shown()

    def grown(*key):
        return after.get(key, 0) - before.get(key, 0)
    assert ('trove_open_operations', 'instance_create') not in after
    assert grown('trove_operation_seconds_count', 'instance_create', 'succeeded') == 1
    assert grown('trove_operation_seconds_sum', 'instance_create', 'succeeded') >= 7
    for step in world.flows['instance_create'].step_names:
        assert grown('trove_step_seconds_count', 'instance_create', step, 'done') == 1, step
        assert grown('trove_step_work_seconds_count', 'instance_create', step) >= 1
    assert grown('trove_reports_total',
                 'accepted') > 0 and grown('trove_report_lag_seconds_count') > 0
    assert ('trove_reports_total', 'forged') in after
    assert after[('trove_guests', '30')] == after[('trove_guests', '+Inf')] == 1
    world.clock.advance(80)
    assert (shown()[('trove_guests', '60')], shown()[('trove_guests', '90')]) == (0, 1)
    assert shown()[('trove_metrics_failed',)] == 0 and instance_id


def test_they_are_shown_on_their_page_only(world, shown):
    server = metrics.serve('127.0.0.1', 0)
    address = f'http://127.0.0.1:{server.server_address[1]}'
    with urllib.request.urlopen(f'{address}/metrics') as answer:
        assert answer.headers['Content-Type'] == metrics.CONTENT_TYPE
        assert b'process_resident_memory_bytes' in answer.read()
    with pytest.raises(urllib.error.HTTPError, match='404'):
        urllib.request.urlopen(f'{address}/')
    server.stop()
