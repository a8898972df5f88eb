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

"""Fixtures of the tests of flows: one world per test."""

import json
import typing

import pytest
import sqlalchemy

from tests.functional.world import World
from trove.db import session
from trove.db.tables.operations import Operation
from trove.taskmanager import flows


@pytest.fixture
def world(conf, database, clock, tmp_path):
    made = World(conf, clock, tmp_path)
    yield made
    expect_declared_facts()
    made.close()


def expect_declared_facts():
    """Fail if a step returned a fact that its flow does not declare: mypy cannot check it."""
    registry = flows.registry()
    for kind, facts in session.read(lambda connection: connection.execute(
            sqlalchemy.select(Operation.kind, Operation.facts)).all()):
        undeclared = json.loads(facts).keys() - typing.get_type_hints(registry[kind].facts).keys()
        assert not undeclared, f'{kind} returned {undeclared}'
