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

"""What holds for every flow there is and will be."""

import pytest

from trove.common import errors
from trove.common import states
from trove.taskmanager import flows
from trove.taskmanager.step import Flow
from trove.taskmanager.step import Step

FLOWS = list(flows.registry().values())


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_each_step_finds_what_it_needs(flow):
    known: set[str] = set()
    for step in flow.steps:
        assert step.needs <= known, f'{step.name} needs {step.needs - known}, which no step before it gives'
        known |= step.gives


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_step_names_are_unique_and_found(flow):
    assert len(set(flow.step_names)) == len(flow.steps)
    assert all(flow.step(name) is not None for name in flow.step_names)


@pytest.mark.parametrize('flow', FLOWS, ids=lambda flow: flow.kind)
def test_a_user_is_shown_a_word_while_it_runs(flow):
    # Of other resources no status is shown that would depend on it.
    assert flow.kind in states.OPERATION_WORDS or flow.resource_type != 'instance'
    assert flow.title[0].isupper()


def made_by_create() -> list[str]:
    """Steps of the create that make something, by their undo."""
    return [
        step.name
        for step in flows.registry()['instance_create'].steps
        if type(step).undo is not Step.undo
    ]


def test_whatever_a_create_makes_it_takes_back_and_a_delete_removes():
    assert made_by_create() == [
        'EnsureGuestIdentity', 'EnsureSecurityGroup', 'EnsureManagementPort', 'EnsureTenantPort',
        'EnsurePublicAddress', 'EnsureVolume', 'EnsureServerGroup', 'EnsureServer'
    ]
    delete: Flow = flows.registry()['instance_delete']
    assert delete.step_names == [
        'ServerGone', 'ServerGroupGone', 'PortsGone', 'SecurityGroupGone', 'VolumesGone',
        'GuestIdentityGone', 'LogsGone'
    ]


def test_a_delete_never_gives_up_before_its_deadline():
    assert all(step.attempts is None for step in flows.registry()['instance_delete'].steps)


def test_codes_that_steps_use_exist():
    for code in ('leftovers', 'guest_silent', 'guest_timeout', 'guest_engine_unavailable',
                 'server_failed', 'server_missing', 'volume_failed', 'port_failed',
                 'security_group_failed', 'floating_ip_failed', 'instance_missing', 'internal'):
        assert code in errors.CODES
