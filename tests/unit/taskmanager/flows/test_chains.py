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

"""Rules that each flow in the registry keeps, now and in future."""

import ast
import importlib
import inspect
import pkgutil
import types
import typing

import pytest

from trove.common import errors, states
from trove.taskmanager import flows, orphans, steps
from trove.taskmanager.step import Step

FLOWS = list(flows.registry().values())
MODULES: list[types.ModuleType] = [
    importlib.import_module(f'{package.__name__}.{module.name}')
    for package in (steps, flows) for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_each_step_finds_the_facts_it_needs(flow):
    known: set[str] = set()
    for step in flow.steps:
        missing = step.needs - known
        assert not missing, f'{step.name} needs {missing}, which no step before it gives'
        known |= step.gives


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_the_facts_of_a_flow_are_typed(flow):
    names = frozenset().union(*(step.needs | step.gives for step in flow.steps))
    assert names <= typing.get_type_hints(flow.facts).keys()


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_the_types_that_mypy_checks_are_those_of_the_flow(flow):
    module = next(module for module in MODULES
                  if flow in (getattr(module, name) for name in vars(module)))
    parameters = [ast.unparse(node.slice) for node in ast.walk(ast.parse(inspect.getsource(module)))
                  if isinstance(node, ast.Subscript) and ast.unparse(node.value) == 'Flow']
    expected = f'(args.{flow.args.__name__}, facts.{flow.facts.__name__})'
    assert parameters and set(parameters) <= {expected, expected[1:-1]}


@pytest.mark.parametrize('module', MODULES, ids=lambda module: module.__name__.rpartition('.')[2])
def test_a_function_that_reads_arguments_or_facts_names_their_types(module):
    """A bare ``Work`` allows every name, so mypy would check nothing."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(node, ast.FunctionDef):
            continue
        is_bare = any(argument.arg == 'work' and ast.unparse(argument.annotation) == 'Work'
                      for argument in node.args.args)
        reads = {ast.unparse(inner) for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
        assert not is_bare or not reads & {'work.args', 'work.facts'}, node.name


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_step_names_are_unique_and_found(flow):
    assert len(set(flow.step_names)) == len(flow.steps)
    assert all(flow.step(name) is not None for name in flow.step_names)


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_a_user_sees_a_status_while_it_runs(flow):
    # No other resource has a status that depends on its operation.
    assert flow.kind in states.OPERATION_WORDS or flow.resource_type != 'instance'
    assert flow.title[0].isupper()


@pytest.mark.parametrize('step', flows.registry()['instance_create'].steps,
                         ids=lambda step: step.name)
def test_a_step_of_the_create_that_creates_something_can_be_undone(step):
    assert bool(step.creates) == (type(step).undo is not Step.undo)


def test_the_delete_removes_all_kinds_that_flows_create():
    created = {kind for flow in FLOWS for step in flow.steps for kind in step.creates}
    removed = {kind for step in flows.registry()['instance_delete'].steps for kind in step.removes}
    assert created == removed == set(orphans.KINDS)


def test_each_step_of_the_delete_removes_something():
    assert all(step.removes for step in flows.registry()['instance_delete'].steps)


def test_a_delete_never_gives_up_before_its_deadline():
    assert all(step.attempts is None for step in flows.registry()['instance_delete'].steps)


def test_codes_that_steps_use_exist():
    used = {node.value.value
            for module in MODULES for node in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(node, ast.keyword) and node.arg == 'code'
            and isinstance(node.value, ast.Constant)}
    assert len(used) > 15 and used <= errors.CODES.keys()
