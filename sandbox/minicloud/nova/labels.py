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

"""Metadata and tags of servers."""

from minicloud import errors, web
from minicloud.nova import create, schemas, servers
from minicloud.state import Record


def _one(call: web.Call, key: str) -> dict[str, str]:
    items = call.member('meta')
    web.check(schemas.METADATA, items)
    if list(items) != [key]:
        raise errors.BadRequest('Request body and URI mismatch')
    return items


def _store(call: web.Call, record: Record, items: dict[str, str]) -> dict[str, str]:
    servers.unlocked(call, record)
    create.metadata_within_quota(call, items)
    servers.change(call, record['id'], metadata=items)
    return items


def metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/metadata."""
    return {'metadata': servers.find(call, id)['metadata']}


def add_metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /servers/{id}/metadata: add to the existing metadata."""
    record, items = servers.find(call, id), call.member('metadata')
    web.check(schemas.METADATA, items)
    return {'metadata': _store(call, record, {**record['metadata'], **items})}


def replace_metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /servers/{id}/metadata: replace the existing metadata."""
    record, items = servers.find(call, id), call.member('metadata')
    web.check(schemas.METADATA, items)
    return {'metadata': _store(call, record, items)}


def _value(record: Record, key: str) -> str:
    if key not in record['metadata']:
        raise errors.NotFound('Metadata item was not found')
    return record['metadata'][key]


def show_metadata(call: web.Call, id: str, key: str) -> web.Answer:
    """Respond to GET /servers/{id}/metadata/{key}."""
    return {'meta': {key: _value(servers.find(call, id), key)}}


def set_metadata(call: web.Call, id: str, key: str) -> web.Answer:
    """Respond to PUT /servers/{id}/metadata/{key}."""
    record, items = servers.find(call, id), _one(call, key)
    _store(call, record, {**record['metadata'], **items})
    return {'meta': items}


def drop_metadata(call: web.Call, id: str, key: str) -> web.Answer:
    """Respond to DELETE /servers/{id}/metadata/{key}."""
    record = servers.find(call, id)
    _value(record, key)
    _store(call, record, {name: value for name, value in record['metadata'].items()
                          if name != key})
    return 204, None


def tags(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/tags."""
    return {'tags': servers.find(call, id)['tags']}


def replace_tags(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /servers/{id}/tags."""
    servers.find(call, id)
    body = call.json()
    requested = body.get('tags') if isinstance(body, dict) else None
    web.check(schemas.TAGS, requested)
    servers.change(call, id, tags=sorted(set(requested)))
    return {'tags': sorted(set(requested))}


def clear_tags(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /servers/{id}/tags."""
    servers.change(call, servers.find(call, id)['id'], tags=[])
    return 204, None


def has_tag(call: web.Call, id: str, tag: str) -> web.Answer:
    """Respond to GET /servers/{id}/tags/{tag}."""
    if tag not in servers.find(call, id)['tags']:
        raise errors.NotFound(f"Server {id} has no tag '{tag}'")
    return 204, None


def add_tag(call: web.Call, id: str, tag: str) -> web.Answer:
    """Respond to PUT /servers/{id}/tags/{tag}."""
    record = servers.find(call, id)
    web.check(schemas.TAG, tag)
    if tag in record['tags']:
        return 204, None
    requested = sorted([*record['tags'], tag])
    web.check(schemas.TAGS, requested)
    servers.change(call, id, tags=requested)
    return 201, None


def drop_tag(call: web.Call, id: str, tag: str) -> web.Answer:
    """Respond to DELETE /servers/{id}/tags/{tag}."""
    record = servers.find(call, id)
    if tag not in record['tags']:
        raise errors.NotFound(f"Server {id} has no tag '{tag}'")
    servers.change(call, id, tags=[kept for kept in record['tags'] if kept != tag])
    return 204, None


_SINCE = (2, 26)
ROUTES = [web.Route('GET', '/servers/{id}/metadata', metadata),
          web.Route('POST', '/servers/{id}/metadata', add_metadata),
          web.Route('PUT', '/servers/{id}/metadata', replace_metadata),
          web.Route('GET', '/servers/{id}/metadata/{key}', show_metadata),
          web.Route('PUT', '/servers/{id}/metadata/{key}', set_metadata),
          web.Route('DELETE', '/servers/{id}/metadata/{key}', drop_metadata),
          web.Route('GET', '/servers/{id}/tags', tags, since=_SINCE),
          web.Route('PUT', '/servers/{id}/tags', replace_tags, since=_SINCE),
          web.Route('DELETE', '/servers/{id}/tags', clear_tags, since=_SINCE),
          web.Route('GET', '/servers/{id}/tags/{tag}', has_tag, since=_SINCE),
          web.Route('PUT', '/servers/{id}/tags/{tag}', add_tag, since=_SINCE),
          web.Route('DELETE', '/servers/{id}/tags/{tag}', drop_tag, since=_SINCE)]
