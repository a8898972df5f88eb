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

"""Shown status for every combination of facts."""

import datetime
import itertools

import pytest

from trove.common import errors, states
from trove.common.states import Facts, ServiceStatus
from trove.taskmanager import flows

NOW = datetime.datetime(2031, 4, 2, 8, 15)
FRESH = NOW - datetime.timedelta(seconds=89)
STALE = NOW - datetime.timedelta(seconds=91)
EXPIRY = 90

SERVER_STATUSES = [None, 'BUILD', 'ACTIVE', 'SHUTOFF', 'ERROR', 'REBOOT', 'VERIFY_RESIZE', 'RESCUE',
                   'DELETED']
SHOWN = {'ERROR', 'BUILD', 'REBOOT', 'RESIZE', 'UPGRADE', 'RESTART_REQUIRED', 'PROMOTE', 'EJECT',
         'DETACH', 'SHUTDOWN', 'BACKUP', 'ACTIVE', 'UNKNOWN'}


def healthy(**changes):
    return Facts(server_status='ACTIVE', service_status=ServiceStatus.HEALTHY,
                 heartbeat=FRESH)._replace(**changes)


def everything():
    choices = (SERVER_STATUSES, [None, *ServiceStatus.ALL], [None, FRESH, STALE],
               [None, 'server_failed'], [False, True], [False, True],
               [None, *flows.registry()], [False, True], [False, True])
    for (server, service, heartbeat, code, restart, backup, kind, cancel,
         deleted) in itertools.product(*choices):
        yield Facts(server, service, heartbeat, code, restart, backup, kind, cancel, deleted)
        if code is None and not backup:
            yield Facts(server, service, heartbeat, code, restart, backup, kind, cancel, deleted,
                        drift=states.Drift.VOLUME_DETACHED)


@pytest.mark.parametrize(('facts', 'status'), [
    (healthy(), 'ACTIVE'),
    (healthy(operation_kind='instance_create', server_status=None, service_status='new'), 'BUILD'),
    (healthy(operation_kind='instance_create', server_status='ERROR'), 'BUILD'),
    (healthy(operation_kind='instance_create', cancel_wanted=True), 'SHUTDOWN'),
    (healthy(operation_kind='instance_delete'), 'SHUTDOWN'),
    (healthy(operation_kind='instance_restart'), 'REBOOT'),
    (healthy(operation_kind='instance_restart', error_code='server_failed'), 'REBOOT'),
    (healthy(error_code='server_failed'), 'ERROR'),
    (healthy(error_code='server_failed', restart_required=True, backup_running=True), 'ERROR'),
    (healthy(drift='volume_detached'), 'ERROR'),
    (healthy(drift='server_missing', server_status='DELETED'), 'ERROR'),
    (healthy(drift='port_missing', operation_kind='instance_restart'), 'REBOOT'),
    (healthy(drift='port_missing', operation_kind='instance_delete'), 'SHUTDOWN'),
    (healthy(restart_required=True, backup_running=True), 'RESTART_REQUIRED'),
    (healthy(backup_running=True), 'BACKUP'),
    (healthy(server_status=None), 'SHUTDOWN'),
    (healthy(server_status='SHUTOFF'), 'SHUTDOWN'),
    (healthy(server_status='VERIFY_RESIZE'), 'RESIZE'),
    (healthy(server_status='RESCUE'), 'UNKNOWN'),
    (healthy(deleted=True), 'SHUTDOWN'),
])
def test_status(facts, status):
    assert states.shown(facts) == status


@pytest.mark.parametrize(('facts', 'status'), [
    (healthy(), 'HEALTHY'),
    (healthy(service_status='running'), 'ACTIVE'),
    (healthy(service_status='crashed'), 'SHUTDOWN'),
    (healthy(service_status='unknown'), 'ERROR'),
    (healthy(heartbeat=STALE), 'ERROR'),
    (healthy(heartbeat=None), 'ERROR'),
    (healthy(restart_required=True), 'RESTART_REQUIRED'),
    (healthy(restart_required=True, heartbeat=STALE), 'ERROR'),
    (healthy(operation_kind='instance_restart'), ''),
    (healthy(server_status='SHUTOFF'), ''),
])
def test_operating_status(facts, status):
    assert states.operating(facts, NOW, EXPIRY) == status


def test_every_combination_has_words():
    for facts in everything():
        status = states.shown(facts)
        assert status in SHOWN, facts
        operating = states.operating(facts, NOW, EXPIRY)
        assert operating in ('', 'RESTART_REQUIRED', *states.OPERATING_WORDS.values())
        if facts.operation_kind not in (None, 'backup_create') or facts.server_status != 'ACTIVE':
            assert operating == '', facts


def test_action_may_start_only_on_an_idle_instance_that_reports():
    for facts in everything():
        refusal = states.refusal(facts, NOW, EXPIRY)
        may = (facts.operation_kind is None and facts.server_status == 'ACTIVE'
               and facts.heartbeat == FRESH and facts.service_status in ServiceStatus.ACTIONABLE
               and not facts.cancel_wanted and not facts.deleted and facts.error_code is None
               and facts.drift is None and not facts.backup_running)
        assert (refusal is None) == may, (facts, refusal)


def test_every_kind_of_operation_has_a_word():
    """Of those on instances: of other resources no status is shown that would depend on it."""
    kinds = {kind for kind, flow in flows.registry().items() if flow.resource_type == 'instance'}
    assert kinds <= set(states.OPERATION_WORDS) <= set(flows.registry())


def test_every_drift_has_a_sentence():
    assert set(states.Drift.ALL) == {value for name, value in vars(states.Drift).items()
                                     if name.isupper() and name != 'ALL'}
    assert set(states.Drift.ALL) <= set(errors.CODES)


def test_service_statuses_are_distinct():
    assert len(set(ServiceStatus.ALL)) == len(ServiceStatus.ALL)
    assert set(states.OPERATING_WORDS) == set(ServiceStatus.ALL)
