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

"""Bounds of every shipped parameter rule, after they were loaded as text and read back."""

import json
import pathlib

import pytest

from trove.cmd import manage
from trove.common import exception
from trove.configuration import values

TEMPLATES = pathlib.Path(__file__).parents[3] / 'trove' / 'templates'
FILES = sorted(TEMPLATES.glob('*/validation-rules.json'))


class Stored:
    """Row of ``datastore_configuration_parameters``."""

    def __init__(self, **columns):
        self.__dict__.update(columns)


def numeric_rules(path):
    for rule in json.loads(path.read_text())['configuration-parameters']:
        if rule['type'] in ('integer', 'float'):
            yield rule, values.rule(Stored(**manage._rule(str(path), rule)))


def accepted(rule, value):
    try:
        values.check([rule], {rule.name: value}, '1')
    except exception.Unprocessable:
        return False
    return True


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.parent.name)
def test_values_near_each_bound_are_accepted_and_values_beyond_it_refused(path):
    checked = 0
    for shipped, rule in numeric_rules(path):
        smallest, largest = shipped['min'], shipped['max']
        assert (rule.smallest, rule.largest) == (smallest, largest)
        middle = smallest + (largest - smallest) // 2 if smallest > -largest else 0
        for value in (smallest, middle, largest):
            assert accepted(rule, value), (rule, value)
            checked += 1
        assert not accepted(rule, smallest - max(1, abs(smallest)))
        assert rule.largest > 1e300 or not accepted(rule, largest * 2 + 1), rule
    assert checked > 50


@pytest.mark.parametrize('value', [4, 4.0, 1, 1.1, 0])
def test_planner_costs_of_postgresql_accept_what_people_set(value):
    rules = {rule.name: rule for _shipped, rule in numeric_rules(
        TEMPLATES / 'postgresql' / 'validation-rules.json')}
    for name in ('random_page_cost', 'seq_page_cost', 'cpu_tuple_cost', 'cpu_operator_cost',
                 'cpu_index_tuple_cost', 'parallel_setup_cost', 'parallel_tuple_cost'):
        assert accepted(rules[name], value)
    for name in ('vacuum_cost_delay', 'autovacuum_vacuum_cost_delay'):
        assert accepted(rules[name], value)
