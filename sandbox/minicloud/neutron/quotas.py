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

"""Network quotas of projects."""

from minicloud import errors, quota, web

_KINDS = tuple(quota.BUILT_IN['network'])


def _may_see(call: web.Call, project_id: str) -> None:
    if not call.is_admin and project_id != call.project_id:
        raise errors.Forbidden('rule:get_quota is disallowed by policy', 'PolicyNotAuthorized')


def show(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /quotas/{project_id}."""
    _may_see(call, project_id)
    return {'quota': {'project_id': project_id,
                      **quota.limits(call.tx, 'network', project_id)}}


def show_default(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /quotas/{project_id}/default."""
    _may_see(call, project_id)
    return {'quota': {'project_id': project_id, **quota.defaults(call.tx, 'network')}}


def show_details(call: web.Call, project_id: str) -> web.Answer:
    """Respond to GET /quotas/{project_id}/details.json: limits and usage."""
    _may_see(call, project_id)
    return {'quota': {name: {'limit': limit, 'reserved': 0,
                             'used': len(call.tx.list(name, project_id=project_id))}
                      for name, limit in quota.limits(call.tx, 'network', project_id).items()}}


def index(call: web.Call) -> web.Answer:
    """Respond to GET /quotas: the projects with limits of their own (admins)."""
    call.require_admin('get_quota')
    own = [record['id'].partition(':')[2] for record in call.tx.list('quota')
           if record['id'].startswith('network:')]
    return {'quotas': [{'project_id': project_id, 'tenant_id': project_id,
                        **quota.limits(call.tx, 'network', project_id)} for project_id in own]}


def update(call: web.Call, project_id: str) -> web.Answer:
    """Respond to PUT /quotas/{project_id} (admins)."""
    call.require_admin('update_quota')
    changes = {}
    for name, limit in call.member('quota').items():
        if name in ('project_id', 'tenant_id', 'force', 'check_limit'):
            continue
        if name not in _KINDS:
            raise errors.BadRequest(f"Unrecognized attribute(s) '{name}'", 'HTTPBadRequest')
        changes[name] = web.integer(limit, name, lowest=-1)
    quota.store(call.tx, 'network', project_id, changes)
    return {'quota': quota.limits(call.tx, 'network', project_id)}


def delete(call: web.Call, project_id: str) -> web.Answer:
    """Respond to DELETE /quotas/{project_id}: restore the defaults (admins)."""
    call.require_admin('delete_quota')
    quota.reset(call.tx, 'network', project_id)
    return 204, None


ROUTES = [web.Route('GET', '/quotas', index),
          web.Route('GET', '/quotas/{project_id}', show),
          web.Route('PUT', '/quotas/{project_id}', update),
          web.Route('DELETE', '/quotas/{project_id}', delete),
          web.Route('GET', '/quotas/{project_id}/default', show_default),
          web.Route('GET', '/quotas/{project_id}/default.json', show_default),
          web.Route('GET', '/quotas/{project_id}/details', show_details),
          web.Route('GET', '/quotas/{project_id}/details.json', show_details)]
