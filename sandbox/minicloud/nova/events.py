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

"""Unrequested changes of machines, reported by the hypervisor and recorded as states of servers."""

import logging
from typing import TYPE_CHECKING

from minicloud.hypervisor import Event, Listener
from minicloud.nova import jobs

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

LOG = logging.getLogger(__name__)


def listener(cloud: 'Cloud') -> Listener:
    """Return the listener for the hypervisor's events."""
    def hear(server_id: str, event: Event, detail: str) -> None:
        LOG.info('Instance %s: machine %s by itself. %s', server_id, event, detail)
        with cloud.state.transaction() as tx:
            server = tx.get('server', server_id)
            # During a task, the task itself records the outcome.
            if server is None or server['task_state'] is not None:
                return
            running = event is Event.STARTED
            # A resized server waits for its confirmation, whether it runs or not.
            vm_state = ('resized' if server['vm_state'] == 'resized'
                        else 'active' if running else 'stopped')
            power = {Event.STARTED: jobs.RUNNING, Event.STOPPED: jobs.SHUTDOWN,
                     Event.FAILED: jobs.CRASHED}[event]
            tx.update('server', server_id, vm_state=vm_state, power_state=power,
                      updated_at=cloud.time())
    return hear
