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

"""Comparison of the alert rules and the page of metrics with the metrics in the code."""

import pathlib
import re

import pytest
import yaml

from trove.db import heartbeats

ROOT = pathlib.Path(__file__).parents[2]
GROUPS = yaml.safe_load((ROOT / 'etc/trove/prometheus-rules.yaml').read_text())['groups']
RULES = [rule for group in GROUPS for rule in group['rules']]
PAGE = (ROOT / 'doc/source/admin/metrics.rst').read_text()

#: Suffixes of the series that Prometheus stores for a histogram.
HISTOGRAM = ('_bucket', '_count', '_sum')
#: Series that Prometheus or every process adds.
COMMON = {'up', 'process_resident_memory_bytes'}


def metrics_of_the_code() -> dict[str, str]:
    """Return the kind of each metric that a module of trove declares, by name."""
    declared = re.compile(r"\b(Histogram|Counter|\w*Gauge|\w*Counter)\(\s*'(trove_\w+)'")
    return {name: kind for path in (ROOT / 'trove').rglob('*.py')
            for kind, name in declared.findall(path.read_text())}


METRICS = metrics_of_the_code()
SERIES = {name + suffix for name, kind in METRICS.items()
          for suffix in (HISTOGRAM if kind == 'Histogram' else ('',))} | COMMON


def named(expression: str) -> set[str]:
    """Return the names of the series in an expression."""
    bare = re.sub(r"\{[^}]*\}|by \([^)]*\)|\[\w+\]|'[^']*'", ' ', expression)
    functions = {'max', 'sum', 'rate', 'increase', 'histogram_quantile', 'e6'}
    return set(re.findall(r'[a-z_]\w*', bare)) - functions


@pytest.mark.parametrize('rule', RULES, ids=[rule['alert'] for rule in RULES])
def test_an_alert_uses_metrics_that_exist(rule):
    assert named(rule['expr']) and named(rule['expr']) <= SERIES
    assert {'summary', 'description'} == rule['annotations'].keys()
    assert rule['labels']['severity'] in ('warning', 'critical')


def test_the_names_of_alerts_are_unique():
    names = [rule['alert'] for rule in RULES]
    assert len(names) == len(set(names))


def test_the_age_of_a_silent_guest_is_a_bucket():
    ages = {age for rule in RULES
            for age in re.findall(r'trove_guests\{le="([^"]+)"', rule['expr'])}
    assert ages and ages <= {*map(str, heartbeats.AGES), '+Inf'}


def test_the_page_of_metrics_names_each_metric():
    assert set(re.findall(r'^   \* - ``(trove_\w+)``$', PAGE, re.MULTILINE)) == METRICS.keys() - {
        'trove_metrics_failed'}


def test_every_metric_of_the_services_has_an_alert():
    used = {name for rule in RULES for name in named(rule['expr'])}
    watched = {name for name in METRICS if any(series.startswith(name) for series in used)}
    assert METRICS.keys() - watched == {'trove_step_seconds'}, 'metrics without an alert'
