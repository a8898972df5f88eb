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

"""Background jobs of servers: apply the records to the host and record the outcome."""

from typing import TYPE_CHECKING, Any

from minicloud import specs, work
from minicloud.hypervisor import ServerSpec
from minicloud.neutron import ports
from minicloud.nova import cards
from minicloud.state import Record, Transaction

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

#: Nova's numbers of power states.
RUNNING, SHUTDOWN, CRASHED = 1, 4, 6


def _begin(cloud: 'Cloud', server_id: str, task_states: tuple[str, ...],
           shown: str | None = None) -> tuple[Record, ServerSpec] | None:
    """Return the server and its machine if the task is still pending, else None.

    ``shown`` is the task state while the job runs.
    """
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None or server['task_state'] not in task_states:
            return None
        if shown:
            server = tx.update('server', server_id, task_state=shown)
        return server, specs.server(tx, server)


def _done(cloud: 'Cloud', server_id: str, **changes: Any) -> None:
    """Record the outcome; a delete requested meanwhile keeps its task state."""
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None:
            return
        changes.setdefault('task_state', None)
        if server['task_state'] == 'deleting':
            changes['task_state'] = 'deleting'
        tx.update('server', server_id, **changes, updated_at=cloud.time())


def failed(cloud: 'Cloud', message: str, server_id: str, **arguments: Any) -> None:
    """Set the server to ERROR with the reason as its fault."""
    fault = {'code': 500, 'created': cloud.time(), 'message': message,
             'details': f'{message} ({", ".join(map(str, arguments.values()))})'
             if arguments else message}
    _done(cloud, server_id, vm_state='error', fault=fault)


def _create_failed(cloud: 'Cloud', message: str, server_id: str) -> None:
    """Release the server's resources; its record stays, in ERROR, with the reason."""
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None:
            return
        _release(cloud, tx, server, delete_volumes=False)
        failed(cloud, message, server_id)


def _release(cloud: 'Cloud', tx: Transaction, server: Record, delete_volumes: bool) -> None:
    """Release the ports and volumes of a machine that no longer exists."""
    for port in specs.ports_of(tx, server):
        cards.unplug(tx, port)
    for item in tx.list('attachment', server_id=server['id']):
        tx.remove('attachment', item['id'])
        if tx.get('volume', item['volume_id']) is None:
            continue
        if delete_volumes and item['delete_on_termination']:
            tx.update('volume', item['volume_id'], status='deleting')
            work.submit(tx, 'volume.delete', {'volume_id': item['volume_id']},
                        [f'volume:{item["volume_id"]}'])
        else:
            tx.update('volume', item['volume_id'], status='available')


@work.job('server.create', failed=_create_failed)
def create(cloud: 'Cloud', server_id: str) -> None:
    """Build and start the machine."""
    begun = _begin(cloud, server_id, ('scheduling', 'spawning'), 'spawning')
    if begun is None:
        return
    server, spec = begun
    cloud.hypervisor.create_server(spec)
    with cloud.state.transaction() as tx:
        _done(cloud, server_id, vm_state='active', power_state=RUNNING,
              launched_at=cloud.time())
        _settle(cloud, tx, server_id)
        current = tx.get('server', server_id)
        if current is not None and specs.server(tx, current).ports != spec.ports:
            # Rules or addresses may have changed while the machine was built.
            ports.apply(tx, server_id)


def _settle(cloud: 'Cloud', tx: Transaction, server_id: str) -> None:
    """Mark the ports and volumes of a running machine as in use."""
    for port in tx.list('port', device_id=server_id):
        tx.update('port', port['id'], status='ACTIVE')
    for item in tx.list('attachment', server_id=server_id, plugged=True):
        if item['attached_at'] is None:
            tx.update('attachment', item['id'], attached_at=cloud.time().rstrip('Z') + '.000000')
            tx.update('volume', item['volume_id'], status='in-use')


@work.job('server.delete', failed=failed)
def delete(cloud: 'Cloud', server_id: str) -> None:
    """Delete the machine, then its records."""
    cloud.hypervisor.delete_server(server_id)
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None:
            return
        _release(cloud, tx, server, delete_volumes=True)
        for action in tx.list('server_action', server_id=server_id):
            tx.remove('server_action', action['id'])
        tx.remove('server', server_id)


@work.job('server.stop', failed=failed)
def stop(cloud: 'Cloud', server_id: str) -> None:
    """Power the machine off."""
    if _begin(cloud, server_id, ('powering-off',)) is None:
        return
    cloud.hypervisor.stop_server(server_id)
    _done(cloud, server_id, vm_state='stopped', power_state=SHUTDOWN)


@work.job('server.start', failed=failed)
def start(cloud: 'Cloud', server_id: str) -> None:
    """Power the machine on."""
    begun = _begin(cloud, server_id, ('powering-on',))
    if begun is None:
        return
    cloud.hypervisor.start_server(begun[1])
    _done(cloud, server_id, vm_state='active', power_state=RUNNING, fault=None)


@work.job('server.reboot', failed=failed)
def reboot(cloud: 'Cloud', server_id: str, hard: bool) -> None:
    """Reboot the machine."""
    begun = _begin(cloud, server_id, ('rebooting', 'rebooting_hard'))
    if begun is None:
        return
    cloud.hypervisor.reboot_server(begun[1], hard)
    _done(cloud, server_id, vm_state='active', power_state=RUNNING, fault=None)


@work.job('server.rebuild', failed=failed)
def rebuild(cloud: 'Cloud', server_id: str) -> None:
    """Rebuild the machine with a new disk; a stopped machine is stopped again."""
    begun = _begin(cloud, server_id, ('rebuilding',))
    if begun is None:
        return
    server, spec = begun
    cloud.hypervisor.rebuild_server(spec)
    _after_start(cloud, server, old_vm_state=None, launched_at=cloud.time())


def _after_start(cloud: 'Cloud', server: Record, vm_state: str | None = None,
                 **changes: Any) -> None:
    """Record a machine that was started for a change; stop it if it was stopped before."""
    was_stopped = server['old_vm_state'] == 'stopped'
    if was_stopped:
        cloud.hypervisor.stop_server(server['id'])
    _done(cloud, server['id'], vm_state=vm_state or ('stopped' if was_stopped else 'active'),
          power_state=SHUTDOWN if was_stopped else RUNNING, fault=None, **changes)


def _settled_on(cloud: 'Cloud', server_id: str, host: str) -> dict[str, str]:
    """Show the ports of a server on a host; return the changes to the server's own record."""
    with cloud.state.transaction() as tx:
        for port in tx.list('port', device_id=server_id):
            tx.update('port', port['id'], **{'binding:host_id': host})
    return {'host': host}


@work.job('server.resize', failed=failed)
def resize(cloud: 'Cloud', server_id: str, host: str | None = None) -> None:
    """Start the machine with its new flavor; the user must then confirm it."""
    begun = _begin(cloud, server_id, ('resize_prep', 'resize_migrating'), 'resize_migrating')
    if begun is None:
        return
    server, spec = begun
    cloud.hypervisor.resize_server(spec)
    _after_start(cloud, server, vm_state='resized',
                 **_settled_on(cloud, server_id, host or server['host']))


def _live_failed(cloud: 'Cloud', message: str, server_id: str, **arguments: Any) -> None:
    """Record a failed live migration; the machine runs on where it is."""
    _done(cloud, server_id)


@work.job('server.live', failed=_live_failed)
def live(cloud: 'Cloud', server_id: str, host: str) -> None:
    """Show the server on another host. All hosts are this machine, so nothing else is necessary."""
    begun = _begin(cloud, server_id, ('migrating',))
    if begun is None:
        return
    if host == begun[0]['host']:
        _done(cloud, server_id)
        return
    _done(cloud, server_id, **_settled_on(cloud, server_id, host))


@work.job('server.revert', failed=failed)
def revert(cloud: 'Cloud', server_id: str) -> None:
    """Start the machine with its former flavor."""
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None or server['task_state'] != 'resize_reverting':
            return
        before = {**server, 'flavor': server['old_flavor'] or server['flavor']}
        spec = specs.server(tx, before)
    cloud.hypervisor.resize_server(spec)
    host = before.get('old_host') or before['host']
    _after_start(cloud, before, flavor=before['flavor'], old_flavor=None, old_vm_state=None,
                 old_host=None, **_settled_on(cloud, server_id, host))


def _ports_failed(cloud: 'Cloud', message: str, server_id: str) -> None:
    with cloud.state.transaction() as tx:
        for port in tx.list('port', device_id=server_id):
            tx.update('port', port['id'], status='DOWN')


@work.job('server.ports', failed=_ports_failed)
def apply_ports(cloud: 'Cloud', server_id: str) -> None:
    """Update the cards of the machine to its ports."""
    with cloud.state.transaction() as tx:
        server = tx.get('server', server_id)
        if server is None or server['launched_at'] is None:
            return
        spec = specs.server(tx, server)
    cloud.hypervisor.apply_ports(server_id, spec.ports)
    with cloud.state.transaction() as tx:
        if tx.get('server', server_id) is not None:
            _settle(cloud, tx, server_id)


def _attach_failed(cloud: 'Cloud', message: str, server_id: str, attachment_id: str) -> None:
    with cloud.state.transaction() as tx:
        item = tx.get('attachment', attachment_id)
        if item is not None:
            tx.remove('attachment', attachment_id)
            tx.update('volume', item['volume_id'], status='available')


@work.job('server.attach', failed=_attach_failed)
def attach(cloud: 'Cloud', server_id: str, attachment_id: str) -> None:
    """Attach a volume to the machine."""
    with cloud.state.transaction() as tx:
        item = tx.get('attachment', attachment_id)
    if item is None:
        return
    cloud.hypervisor.attach_volume(server_id, item['volume_id'], item['device'])
    with cloud.state.transaction() as tx:
        tx.update('attachment', attachment_id, plugged=True)
        _settle(cloud, tx, server_id)


def _detach_failed(cloud: 'Cloud', message: str, server_id: str, attachment_id: str) -> None:
    with cloud.state.transaction() as tx:
        item = tx.get('attachment', attachment_id)
        if item is not None:
            tx.update('volume', item['volume_id'], status='in-use')


@work.job('server.detach', failed=_detach_failed)
def detach(cloud: 'Cloud', server_id: str, attachment_id: str) -> None:
    """Detach a volume from the machine."""
    with cloud.state.transaction() as tx:
        item = tx.get('attachment', attachment_id)
    if item is None:
        return
    cloud.hypervisor.detach_volume(server_id, item['volume_id'])
    with cloud.state.transaction() as tx:
        tx.remove('attachment', attachment_id)
        tx.update('volume', item['volume_id'], status='available')
