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

"""Reconciliation after a restart: the host is brought to the state of the records."""

import logging
from typing import TYPE_CHECKING

from minicloud import work
from minicloud.cinder import types
from minicloud.hypervisor import HypervisorError, State
from minicloud.state import Record, Transaction

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

LOG = logging.getLogger(__name__)


def record_jobs(cloud: 'Cloud') -> None:
    """Record the jobs that reconcile the host with the records.

    Unfinished jobs of the former process still exist and come first. Networks are plugged again,
    machines that should run are started, filters and floating addresses applied. Each job leaves
    correct objects unchanged.
    """
    with cloud.state.transaction() as tx:
        types.ensure(tx, cloud.new_id(), types.DEFAULT_NAME, description='Default Volume Type')
        busy = {thing for job in tx.list('job') for thing in job['alone']}
        for network in tx.list('network'):
            work.submit(tx, 'network.plug', {'network_id': network['id']},
                        [f'network:{network["id"]}'])
        servers = [server for server in tx.list('server')
                   if server['launched_at'] is not None and f'server:{server["id"]}' not in busy]
    states = {server['id']: _look(cloud, server) for server in servers}
    with cloud.state.transaction() as tx:
        for server in servers:
            _compare(cloud, tx, server, states[server['id']])
        groups = [group['id'] for group in tx.list('security_group')]
        if servers:
            work.submit(tx, 'security.apply', {'group_ids': groups}, ['security'])
        for floating in tx.list('floatingip'):
            if floating['port_id'] is not None:
                work.submit(tx, 'floating.apply', {'floating_id': floating['id']},
                            [f'floating:{floating["id"]}'])


def _look(cloud: 'Cloud', server: Record) -> State | None:
    try:
        return cloud.hypervisor.server_state(server['id'])
    except HypervisorError as error:
        LOG.warning('Instance %s: state unknown: %s', server['id'], error)
        return None


def _compare(cloud: 'Cloud', tx: Transaction, server: Record, state: State | None) -> None:
    """Record the changes for a server that differs from its record."""
    id = server['id']
    should_run = server['vm_state'] in ('active', 'resized') and server['power_state'] == 1
    if server['task_state'] is not None:
        # No job is left for the task, so the host's state counts.
        server = tx.update('server', id, task_state=None)
    if state is State.MISSING:
        LOG.warning('Instance %s: its machine is gone', id)
        tx.update('server', id, vm_state='error', power_state=0, fault={
            'code': 500, 'created': cloud.time(), 'details': '',
            'message': 'The machine of this server is not on the host any more.'})
    elif state is State.STOPPED and should_run and cloud.settings.resume:
        networks = {f'network:{port["network_id"]}' for port in tx.list('port', device_id=id)}
        tx.update('server', id, vm_state='stopped', task_state='powering-on')
        work.submit(tx, 'server.start', {'server_id': id}, [f'server:{id}'], networks)
    elif state is State.STOPPED and should_run:
        tx.update('server', id, vm_state='stopped', power_state=4)
    elif state is State.RUNNING and server['vm_state'] == 'stopped':
        tx.update('server', id, vm_state='active', power_state=1)
