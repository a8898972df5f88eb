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

"""Block storage quotas of projects, and the limits that a project sees."""

from typing import Any

from minicloud import errors, quota, web
from minicloud.cinder import volumes


def _may_see(call: web.Call, project_id: str) -> None:
    if not call.is_admin and project_id != call.project_id:
        raise errors.Forbidden("Policy doesn't allow volume_extension:quotas:show to be "
                               'performed.')


def show(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /os-quota-sets/{project_id}; ``usage`` adds the used amounts."""
    _may_see(call, project_id)
    limits: dict[str, Any] = quota.limits(call.tx, 'volume', project_id)
    if call.flag('usage'):
        used = volumes.usage(call.tx, project_id)
        limits = {name: {'limit': limit, 'in_use': used[name], 'reserved': 0, 'allocated': 0}
                  for name, limit in limits.items()}
    return {'quota_set': {'id': project_id, **limits}}


def defaults(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /os-quota-sets/{project_id}/defaults."""
    _may_see(call, project_id)
    return {'quota_set': {'id': project_id, **quota.defaults(call.tx, 'volume')}}


def update(call: web.Call, project_id: str) -> web.Answer:
    """Respond to PUT /os-quota-sets/{project_id} (admins)."""
    call.require_admin('volume_extension:quotas:update')
    changes = {}
    for name, limit in call.member('quota_set').items():
        if name in ('tenant_id', 'force'):
            continue
        if name not in quota.BUILT_IN['volume']:
            raise errors.BadRequest(f"Bad key(s) in quota set: {name}")
        changes[name] = web.integer(limit, name, lowest=-1)
    quota.store(call.tx, 'volume', project_id, changes)
    return {'quota_set': quota.limits(call.tx, 'volume', project_id)}


def delete(call: web.Call, project_id: str) -> web.Answer:
    """Respond to DELETE /os-quota-sets/{project_id}: restore the defaults (admins)."""
    call.require_admin('volume_extension:quotas:delete')
    quota.reset(call.tx, 'volume', project_id)
    return 200, None


def limits(call: web.Call) -> web.Answer:
    """Respond to GET /limits."""
    project_id = call.project_id
    if call.is_admin and call.query.get('project_id'):
        project_id = call.query['project_id']
    most = quota.limits(call.tx, 'volume', project_id)
    used = volumes.usage(call.tx, project_id)
    return {'limits': {'rate': [], 'absolute': {
        'maxTotalVolumes': most['volumes'], 'totalVolumesUsed': used['volumes'],
        'maxTotalVolumeGigabytes': most['gigabytes'], 'totalGigabytesUsed': used['gigabytes'],
        'maxTotalSnapshots': most['snapshots'], 'totalSnapshotsUsed': used['snapshots'],
        'maxTotalBackups': most['backups'], 'totalBackupsUsed': 0,
        'maxTotalBackupGigabytes': most['backup_gigabytes'],
        'totalBackupGigabytesUsed': 0}}}


ROUTES = [web.Route('GET', '/limits', limits),
          web.Route('GET', '/os-quota-sets/{project_id}', show),
          web.Route('PUT', '/os-quota-sets/{project_id}', update),
          web.Route('DELETE', '/os-quota-sets/{project_id}', delete),
          web.Route('GET', '/os-quota-sets/{project_id}/defaults', defaults)]
