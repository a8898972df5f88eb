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

"""Compute quotas of projects, and the limits that a project sees."""

from collections.abc import Mapping

from minicloud import errors, quota, web
from minicloud.state import Transaction


def usage(tx: Transaction, project_id: str) -> dict[str, int]:
    """Return the project's usage of each resource in the compute quota."""
    servers = tx.list('server', project_id=project_id)
    return {**dict.fromkeys(quota.BUILT_IN['compute'], 0), 'instances': len(servers),
            'cores': sum(server['flavor']['vcpus'] for server in servers),
            'ram': sum(server['flavor']['ram'] for server in servers),
            'server_groups': len(tx.list('server_group', project_id=project_id))}


def spend(call: web.Call, project_id: str, requested: Mapping[str, int]) -> None:
    """Raise when a request exceeds the project's quota, with Nova's message."""
    limit = quota.limits(call.tx, 'compute', project_id)
    used = usage(call.tx, project_id)
    names = quota.exceeded(limit, used, requested)
    if names:
        def text(values: Mapping[str, int]) -> str:
            return ', '.join(str(values[name]) for name in names)
        raise errors.Forbidden(
            f"Quota exceeded for {', '.join(names)}: Requested {text(requested)}, but already "
            f"used {text(used)} of {text(limit)} {', '.join(names)}")


def _shown(call: web.Call, values: Mapping[str, int]) -> dict[str, int]:
    """Return the quotas that exist in this microversion."""
    gone = {name for name in values if name.startswith('injected_')
            and call.version >= (2, 57)}
    return {name: value for name, value in values.items() if name not in gone}


def _may_see(call: web.Call, project_id: str) -> None:
    if not call.is_admin and project_id != call.project_id:
        raise errors.Forbidden("Policy doesn't allow os_compute_api:os-quota-sets:show to be "
                               'performed.')


def show(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /os-quota-sets/{project_id}."""
    _may_see(call, project_id)
    limits = quota.limits(call.tx, 'compute', project_id)
    return {'quota_set': {'id': project_id, **_shown(call, limits)}}


def detail(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /os-quota-sets/{project_id}/detail."""
    _may_see(call, project_id)
    limits = quota.limits(call.tx, 'compute', project_id)
    used = usage(call.tx, project_id)
    return {'quota_set': {'id': project_id, **{
        name: {'limit': limit, 'in_use': used[name], 'reserved': 0}
        for name, limit in _shown(call, limits).items()}}}


def defaults(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /os-quota-sets/{project_id}/defaults."""
    return {'quota_set': {'id': project_id,
                          **_shown(call, quota.defaults(call.tx, 'compute'))}}


def update(call: web.Call, project_id: str) -> web.Answer:
    """Respond to PUT /os-quota-sets/{project_id} (admins)."""
    call.require_admin('os_compute_api:os-quota-sets:update')
    changes = {}
    for name, limit in call.member('quota_set').items():
        if name in ('force', 'tenant_id'):
            continue
        if name not in quota.BUILT_IN['compute']:
            raise errors.BadRequest('Invalid input for field/attribute quota_set. Additional '
                                    f"properties are not allowed ('{name}' was unexpected)")
        changes[name] = web.integer(limit, name, lowest=-1)
    quota.store(call.tx, 'compute', project_id, changes)
    return {'quota_set': _shown(call, quota.limits(call.tx, 'compute', project_id))}


def delete(call: web.Call, project_id: str) -> web.Answer:
    """Respond to DELETE /os-quota-sets/{project_id}: restore the defaults (admins)."""
    call.require_admin('os_compute_api:os-quota-sets:delete')
    quota.reset(call.tx, 'compute', project_id)
    return 202, None


def limits(call: web.Call) -> web.Answer:
    """Respond to GET /limits."""
    project_id = call.project_id
    if call.is_admin and call.query.get('tenant_id'):
        project_id = call.query['tenant_id']
    most = quota.limits(call.tx, 'compute', project_id)
    used = usage(call.tx, project_id)
    return {'limits': {'rate': [], 'absolute': {
        'maxTotalInstances': most['instances'], 'totalInstancesUsed': used['instances'],
        'maxTotalCores': most['cores'], 'totalCoresUsed': used['cores'],
        'maxTotalRAMSize': most['ram'], 'totalRAMUsed': used['ram'],
        'maxServerMeta': most['metadata_items'], 'maxTotalKeypairs': most['key_pairs'],
        'maxServerGroups': most['server_groups'],
        'totalServerGroupsUsed': used['server_groups'],
        'maxServerGroupMembers': most['server_group_members']}}}


ROUTES = [web.Route('GET', '/limits', limits),
          web.Route('GET', '/os-quota-sets/{project_id}', show),
          web.Route('PUT', '/os-quota-sets/{project_id}', update),
          web.Route('DELETE', '/os-quota-sets/{project_id}', delete),
          web.Route('GET', '/os-quota-sets/{project_id}/defaults', defaults),
          web.Route('GET', '/os-quota-sets/{project_id}/detail', detail)]
