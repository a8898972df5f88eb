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

"""Actions on servers and the states that allow them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from minicloud import errors, specs, web, work
from minicloud.neutron import collection, ports, security_groups
from minicloud.nova import cards, create, flavors, history, quotas, schemas, servers, views
from minicloud.state import Record


class Action(NamedTuple):
    """Action with its effect and the states in which it may begin (None: any, even busy)."""

    handler: Callable[[web.Call, Record, Any], web.Answer]
    vm_states: tuple[str, ...] | None
    #: Name in error messages and in the server's history, where it differs from the body's.
    name: str | None = None


def act(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /servers/{id}/action."""
    body = call.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise errors.BadRequest('There is no such action: the body must have one member.')
    (name, arguments), = body.items()
    record = servers.find(call, id)
    if name in _UNSUPPORTED:
        raise errors.NotSupported(f"The machines of this cloud cannot do '{name}'.")
    if name not in _ACTIONS:
        raise errors.BadRequest(f'There is no such action: {name}')
    action = _ACTIONS[name]
    if name not in ('lock', 'unlock', 'os-getConsoleOutput'):
        servers.unlocked(call, record)
    title = action.name or name
    if action.vm_states is not None:
        for kind, allowed in (('vm_state', action.vm_states), ('task_state', (None,))):
            if record[kind] not in allowed:
                raise errors.Conflict(f"Cannot '{title}' instance {id} while it is in {kind} "
                                      f'{record[kind]}')
        history.record(call, id, title)
    return action.handler(call, record, arguments)


def _begin(call: web.Call, record: Record, task_state: str, kind: str,
           changes: dict[str, Any] | None = None, **arguments: Any) -> web.Answer:
    """Set the task state and record the job."""
    servers.change(call, record['id'], task_state=task_state, **(changes or {}))
    work.submit(call.tx, kind, {'server_id': record['id'], **arguments},
                [f'server:{record["id"]}'])
    return 202, None


def _stop(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    return _begin(call, record, 'powering-off', 'server.stop')


def _start(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    return _begin(call, record, 'powering-on', 'server.start')


def _reboot(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    kind = str(arguments.get('type') if isinstance(arguments, dict) else '').upper()
    if kind not in ('SOFT', 'HARD'):
        raise errors.BadRequest("Invalid input for field/attribute type. Value must be one of "
                                "['HARD', 'SOFT'].")
    if kind == 'SOFT' and record['vm_state'] != 'active':
        raise errors.Conflict(f"Cannot 'reboot' instance {record['id']} while it is in vm_state "
                              f"{record['vm_state']}")
    return _begin(call, record, 'rebooting' if kind == 'SOFT' else 'rebooting_hard',
                  'server.reboot', hard=kind == 'HARD')


def _resize(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    web.check({'type': 'object', 'required': ['flavorRef'], 'properties': {
        'flavorRef': {'type': ['string', 'integer']},
        'OS-DCF:diskConfig': {'enum': ['AUTO', 'MANUAL']}}}, arguments)
    try:
        flavor = flavors.find(call, str(arguments['flavorRef']).rpartition('/')[2])
    except errors.NotFound as error:
        raise errors.BadRequest('Unable to locate requested flavor.') from error
    old = record['flavor']
    if flavor['id'] == old['id']:
        raise errors.BadRequest('When resizing, instances must change flavor!')
    quotas.spend(call, record['project_id'], {
        'cores': flavor['vcpus'] - old['vcpus'], 'ram': flavor['ram'] - old['ram']})
    return _move(call, record, {name: flavor[name] for name in old})


def _migrate(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    call.require_admin('os_compute_api:os-migrate-server:migrate')
    requested = arguments.get('host') if isinstance(arguments, dict) else None
    if requested == record['host']:
        raise errors.BadRequest('Cannot migrate to the host where the server exists.')
    return _move(call, record, record['flavor'], _target(call, record, requested))


def _target(call: web.Call, record: Record, requested: str | None) -> str:
    """Return the target host: the requested one, or another than the present one."""
    hosts = call.cloud.settings.hosts
    if requested is not None and requested not in hosts:
        raise errors.BadRequest(f'Compute host {requested} could not be found.')
    found = [host for host in hosts
             if requested == host or requested is None and host != record['host']]
    if not found:
        raise errors.BadRequest('No valid host was found.')
    return found[0]


def _migrate_live(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    call.require_admin('os_compute_api:os-migrate-server:migrate_live')
    web.check(schemas.migrate_live(call.version), arguments)
    target = _target(call, record, arguments['host'])
    # The job checks, after the response, whether the file differs.
    return _begin(call, record, 'migrating', 'server.live', host=target)


def _move(call: web.Call, record: Record, flavor: dict[str, Any],
          host: str | None = None) -> web.Answer:
    """Restart the machine with a flavor, keeping the old one until the move is confirmed.

    ``host`` is the new host; None keeps the present one.
    """
    return _begin(call, record, 'resize_prep', 'server.resize', {
        'old_flavor': record['flavor'], 'old_vm_state': record['vm_state'], 'flavor': flavor,
        'old_host': record['host']}, host=host or record['host'])


def _confirm(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    servers.change(call, record['id'], vm_state=record['old_vm_state'], old_flavor=None,
                   old_vm_state=None, old_host=None)
    return 204, None


def _revert(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    return _begin(call, record, 'resize_reverting', 'server.revert')


def _rebuild(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    web.check(schemas.REBUILD, arguments)
    for name, since in (('key_name', (2, 54)), ('user_data', (2, 57))):
        if name in arguments and call.version < since:
            raise errors.BadRequest('Invalid input for field/attribute rebuild. Additional '
                                    f"properties are not allowed ('{name}' was unexpected)")
    image = create.image_named(call, arguments['imageRef'])
    changes = {'image_id': image['id'], 'image_path': image['path'],
               'old_vm_state': record['vm_state'], 'fault': None,
               **{name: arguments[name] for name in ('name', 'description', 'metadata')
                  if name in arguments}}
    if 'user_data' in arguments:
        changes['user_data'] = create.user_data_of(arguments)
    if 'key_name' in arguments:
        changes['key_pair'] = create.key_pair_of(call, arguments['key_name'])
    _begin(call, record, 'rebuilding', 'server.rebuild', changes)
    shown = views.detail(call, servers.find(call, record['id']))
    return errors.json_response(202, {'server': shown}, {
        'Location': views.links(call, record['id'])[0]['href']})


def _console(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    length = arguments.get('length') if isinstance(arguments, dict) else None
    lines = None if length in (None, -1, '-1') else web.integer(length, 'length')
    if record['launched_at'] is None:
        raise errors.Conflict(f"Instance {record['id']} is not ready")
    # Reading the host's file may take a moment and needs no transaction.
    call.later = lambda: {'output': call.cloud.hypervisor.console_log(record['id'], lines)}
    return 200, None


def _lock(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    reason = arguments.get('locked_reason') if isinstance(arguments, dict) else None
    servers.change(call, record['id'], locked=True, locked_reason=reason)
    return 202, None


def _unlock(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    servers.change(call, record['id'], locked=False, locked_reason=None)
    return 202, None


def _reset_state(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    call.require_admin('os_compute_api:os-admin-actions:reset_state')
    state = arguments.get('state') if isinstance(arguments, dict) else None
    if state not in ('active', 'error'):
        raise errors.BadRequest("Invalid input for field/attribute state. Value must be one of "
                                "['active', 'error'].")
    servers.change(call, record['id'], vm_state=state, task_state=None)
    return 202, None


def _force_delete(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    servers.remove(call, record)
    return 202, None


def _change_groups(call: web.Call, record: Record, arguments: Any, add: bool) -> web.Answer:
    name = arguments.get('name') if isinstance(arguments, dict) else None
    group = cards.group_named(call, str(name), record['project_id'])
    for port in specs.ports_of(call.tx, record):
        kept = [group_id for group_id in port['security_groups'] if group_id != group['id']]
        collection.change(call, ports.COLLECTION, port,
                          security_groups=[*kept, group['id']] if add else kept)
    security_groups.members_changed(call.tx, [group['id']])
    ports.apply(call.tx, record['id'])
    return 202, None


def _add_group(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    return _change_groups(call, record, arguments, add=True)


def _remove_group(call: web.Call, record: Record, arguments: Any) -> web.Answer:
    return _change_groups(call, record, arguments, add=False)


_ACTIONS = {
    'os-stop': Action(_stop, ('active', 'error'), 'stop'),
    'os-start': Action(_start, ('stopped',), 'start'),
    'reboot': Action(_reboot, ('active', 'stopped', 'error')),
    'resize': Action(_resize, ('active', 'stopped')),
    'migrate': Action(_migrate, ('active', 'stopped')),
    'os-migrateLive': Action(_migrate_live, ('active',), 'live-migration'),
    'confirmResize': Action(_confirm, ('resized',)),
    'revertResize': Action(_revert, ('resized',)),
    'rebuild': Action(_rebuild, ('active', 'stopped', 'error')),
    'os-getConsoleOutput': Action(_console, None),
    'lock': Action(_lock, None), 'unlock': Action(_unlock, None),
    'os-resetState': Action(_reset_state, None),
    'forceDelete': Action(_force_delete, None),
    'addSecurityGroup': Action(_add_group, ('active', 'stopped')),
    'removeSecurityGroup': Action(_remove_group, ('active', 'stopped')),
}
_UNSUPPORTED = ('pause', 'unpause', 'suspend', 'resume', 'rescue', 'unrescue', 'shelve',
                'shelveOffload', 'unshelve', 'createImage', 'createBackup', 'changePassword',
                'evacuate', 'restore', 'trigger_crash_dump',
                'resetNetwork', 'injectNetworkInfo', 'addFloatingIp', 'removeFloatingIp',
                'addFixedIp', 'removeFixedIp', 'os-getVNCConsole', 'os-getSPICEConsole')

ROUTES = [web.Route('POST', '/servers/{id}/action', act)]
