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

"""Behaviour that all Neutron resources share: find, list, standard attributes, tags."""

import dataclasses
from collections.abc import Callable
from typing import Any

from minicloud import errors, quota, web
from minicloud.state import Record, Transaction

_PAGING = {'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir', 'fields'}


@dataclasses.dataclass(frozen=True)
class Collection:
    """One kind of resource."""

    kind: str
    plural: str
    #: Message and type of the 404; ``{id}`` is filled in.
    missing: str
    missing_type: str
    #: Converts a record to what the caller sees.
    view: Callable[[web.Call, Record], dict[str, Any]]
    #: Returns whether a caller other than the owner may see the record.
    visible: Callable[[web.Call, Record], bool] = lambda call, record: False
    #: Filters other than a comparison with a member: name -> test(record, values).
    filters: dict[str, Callable[[Record, list[str]], bool]] = dataclasses.field(
        default_factory=dict)


def sees(call: web.Call, collection: Collection, record: Record) -> bool:
    """Return whether the caller may see the record."""
    return (call.is_admin or record['project_id'] == call.project_id
            or collection.visible(call, record))


def find(call: web.Call, collection: Collection, id: str, change: bool = False) -> Record:
    """Return the record; raise 404 if the caller may not see it, 403 if not change it."""
    record = call.tx.get(collection.kind, id)
    if record is None or not sees(call, collection, record):
        raise errors.NotFound(collection.missing.format(id=id), collection.missing_type)
    if change and not call.is_admin and record['project_id'] != call.project_id:
        raise errors.Forbidden(
            f'rule:update_{collection.kind} is disallowed by policy', 'PolicyNotAuthorized')
    return record


def show(call: web.Call, collection: Collection, id: str) -> web.Answer:
    """Respond to GET of one resource."""
    view = collection.view(call, find(call, collection, id))
    return {collection.kind: _chosen(call, view)}


def listing(call: web.Call, collection: Collection) -> web.Answer:
    """Respond to GET of the collection: filters, sorting, pages and selected fields."""
    views = [collection.view(call, record) for record in call.tx.list(collection.kind)
             if sees(call, collection, record) and _filtered(call, collection, record)]
    views = [view for view in views if _compared(call, collection, view)]
    keys = call.query.getall('sort_key')
    directions = call.query.getall('sort_dir')
    views = web.sort(views, list(zip(keys, directions + ['asc'] * len(keys))))
    chosen, following = web.page(call, views, most=100000)
    body: dict[str, Any] = {collection.plural: [_chosen(call, view) for view in chosen]}
    if following:
        body[f'{collection.plural}_links'] = [{'rel': 'next', 'href': following}]
    return body


def _chosen(call: web.Call, view: dict[str, Any]) -> dict[str, Any]:
    fields = {name for value in call.query.getall('fields') for name in value.split(',')}
    return {name: value for name, value in view.items() if name in fields} if fields else view


def _filtered(call: web.Call, collection: Collection, record: Record) -> bool:
    tags = set(record.get('tags', ()))
    for name in set(call.query):
        values = call.query.getall(name)
        if name in collection.filters and not collection.filters[name](record, values):
            return False
        requested = {tag for value in values for tag in value.split(',')}
        if ((name == 'tags' and not requested <= tags)
                or (name == 'tags-any' and not requested & tags)
                or (name == 'not-tags' and requested <= tags)
                or (name == 'not-tags-any' and requested & tags)):
            return False
    return True


def _compared(call: web.Call, collection: Collection, view: dict[str, Any]) -> bool:
    for name in set(call.query) - _PAGING - set(collection.filters):
        if name in view and not any(_same(view[name], value)
                                    for value in call.query.getall(name)):
            return False
    return True


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return value == web.as_bool(text)
    if value is None:
        return text in ('', 'null', 'None')
    if isinstance(value, list):
        return text in value
    return str(value) == text


def stamp(call: web.Call, values: dict[str, Any]) -> Record:
    """Return a new record of the values, with id, owner and times."""
    now = call.time()
    return {'id': call.cloud.new_id(), 'tags': [], 'created_at': now, 'updated_at': now,
            'revision_number': 1, **values}


def change(call: web.Call, collection: Collection, record: Record, **changes: Any) -> Record:
    """Store changed members of a record with a new time and revision."""
    return call.tx.update(collection.kind, record['id'], **changes, updated_at=call.time(),
                          revision_number=record['revision_number'] + 1)


STANDARD = ('id', 'name', 'description', 'project_id', 'tags', 'created_at', 'updated_at',
            'revision_number')


def standard(record: Record) -> dict[str, Any]:
    """Return the members that every resource shows."""
    return {**{name: record[name] for name in STANDARD if name in record},
            'tenant_id': record['project_id']}


def spend(tx: Transaction, kind: str, project_id: str, amount: int = 1) -> None:
    """Raise when the project's quota allows no more resources of this kind."""
    limit = quota.limits(tx, 'network', project_id)
    used = {kind: len(tx.list(kind, project_id=project_id))}
    if quota.exceeded(limit, used, {kind: amount}):
        raise errors.Conflict(f"Quota exceeded for resources: ['{kind}'].", 'OverQuota')


def tag_routes(collections: list[Collection]) -> list[web.Route]:
    """Return the routes that read and write the tags of these collections."""
    routes = []
    for collection in collections:
        path = f'/{collection.plural}/{{id}}/tags'
        routes += [
            web.Route('GET', path, _bound(_tags, collection)),
            web.Route('PUT', path, _bound(_replace_tags, collection)),
            web.Route('DELETE', path, _bound(_clear_tags, collection)),
            web.Route('GET', f'{path}/{{tag}}', _bound(_has_tag, collection)),
            web.Route('PUT', f'{path}/{{tag}}', _bound(_add_tag, collection)),
            web.Route('DELETE', f'{path}/{{tag}}', _bound(_drop_tag, collection))]
    return routes


def _bound(function: Callable[..., web.Answer], collection: Collection) -> web.Handler:
    return lambda call, **parts: function(call, collection, **parts)


def _tags(call: web.Call, collection: Collection, id: str) -> web.Answer:
    return {'tags': find(call, collection, id)['tags']}


def _replace_tags(call: web.Call, collection: Collection, id: str) -> web.Answer:
    body = call.json()
    tags = body.get('tags') if isinstance(body, dict) else None
    if not isinstance(tags, list) or not all(
            isinstance(tag, str) and 0 < len(tag) <= 255 for tag in tags):
        raise errors.BadRequest('Invalid input for tags. Reason: not a list of short strings.',
                                'HTTPBadRequest')
    record = find(call, collection, id, change=True)
    change(call, collection, record, tags=sorted(set(tags)))
    return {'tags': sorted(set(tags))}


def _clear_tags(call: web.Call, collection: Collection, id: str) -> web.Answer:
    change(call, collection, find(call, collection, id, change=True), tags=[])
    return 204, None


def _has_tag(call: web.Call, collection: Collection, id: str, tag: str) -> web.Answer:
    if tag not in find(call, collection, id)['tags']:
        raise errors.NotFound(f'Tag {tag} could not be found.', 'TagNotFound')
    return 204, None


def _add_tag(call: web.Call, collection: Collection, id: str, tag: str) -> web.Answer:
    record = find(call, collection, id, change=True)
    change(call, collection, record, tags=sorted({*record['tags'], tag}))
    return 201, None


def _drop_tag(call: web.Call, collection: Collection, id: str, tag: str) -> web.Answer:
    record = find(call, collection, id, change=True)
    if tag not in record['tags']:
        raise errors.NotFound(f'Tag {tag} could not be found.', 'TagNotFound')
    change(call, collection, record, tags=[other for other in record['tags'] if other != tag])
    return 204, None
