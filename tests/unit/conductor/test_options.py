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

import dataclasses
import json

import pytest

from trove.common.rpc import messages
from trove.conductor import options
from trove.conductor.options import Known

HEALTHY = messages.Heartbeat(service_status='healthy')


def news(known=Known(), **reported):
    return options.news(dataclasses.replace(HEALTHY, **reported), known)


def facts(**reported):
    """Return the stored part of a report."""
    return json.dumps({
        name: value
        for name, value in options.facts(dataclasses.replace(HEALTHY, **reported)).items()
        if value
    })


@pytest.mark.parametrize(('known', 'reported'), [(Known(), {}),
                                                 (Known(False, '{"engine_uptime": 3}'), {}),
                                                 (Known(True), {
                                                     'pending_restart': ['a']
                                                 }),
                                                 (Known(False, facts(drift=['a'])), {
                                                     'drift': ['a']
                                                 }),
                                                 (Known(False, facts(rejection='x')), {
                                                     'rejection': 'x'
                                                 }),
                                                 (Known(True, facts(rejection='x', drift=['a'])), {
                                                     'rejection': 'x',
                                                     'drift': ['a'],
                                                     'pending_restart': ['b', 'c']
                                                 })])
def test_what_was_known_is_no_news(known, reported):
    assert news(known, **reported) is None


def test_options_that_begin_to_wait():
    found = news(pending_restart=['back_log', 'port'])
    assert found.restart_required is True
    assert found.events == [('instance.restart_required',
                             'These options wait for a restart: back_log, port.')]


def test_options_that_wait_no_more():
    found = news(Known(True))
    assert found.restart_required is False and [type_ for type_, _ in found.events
                                                ] == ['instance.restart_not_required']


def test_drift_that_begins_changes_and_ends():
    begun = news(drift=['a'])
    assert begun.restart_required is None and begun.events[0][0] == 'instance.options_drifted'
    assert ': a. ' in begun.events[0][1]
    assert ': a, b. ' in news(Known(False, facts(drift=['a'])), drift=['a', 'b']).events[0][1]
    assert news(Known(False, facts(drift=['a']))).events[0][0] == 'instance.options_as_configured'


def test_a_rejection_is_reported_and_its_end_is_not():
    found = news(Known(True), pending_restart=['a'], rejection='out of memory')
    assert found.restart_required is None
    assert [type_ for type_, _ in found.events] == ['instance.options_rejected']
    assert found.events[0][1].endswith(': out of memory')
    assert news(Known(True, facts(rejection='x')), pending_restart=['a']).events == []


def test_a_long_list_is_cut():
    found = news(pending_restart=[f'option_{number}' for number in range(100)])
    assert 'option_19 and 80 more.' in found.events[0][1] and len(found.events[0][1]) < 1024
