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

"""Lines of the URL table: what the mapper, the dispatcher and the OpenAPI document read."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema

from trove.common import exception
from trove.common.http import schemas


class Action(NamedTuple):
    """One of the actions of a route, requested by a key of the body.

    :param key: key of the body that requests the action.
    :param rule: policy rule of the action.
    :param schema: schema of the whole body.
    :param run: ``(request, row, body)`` performs the action and returns a response; None where the
        route never finds an object.
    :param inner: key that the value must have, for the first of two actions with the same key.
    """
    key: str
    rule: str
    schema: jsonschema.Draft202012Validator
    run: Callable[..., Any] | None = None
    inner: str | None = None


class Actions:
    """Actions of one route.

    :param only_key: refuse a body with other keys beside the key of the action.
    :param key_of: returns the key of the action that a body requests, where no key of the body is
        one.
    """

    def __init__(self, *actions: Action, only_key: bool = True,
                 key_of: Callable[[dict[str, Any]], str] | None = None) -> None:
        self._actions = actions
        self._only_key = only_key
        self._key_of = key_of or self._only_named
        #: Policy rules, one of which a caller needs before the body is read.
        self.rules = tuple(dict.fromkeys(action.rule for action in actions))
        validators = list({id(action.schema): action.schema for action in actions}.values())
        #: Schema of any of the actions, for the OpenAPI document and for XML.
        self.schema = validators[0] if len(validators) == 1 else schemas.compiled(
            {'anyOf': [validator.schema for validator in validators], 'minProperties': 1})

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions)

    def chosen(self, body: dict[str, Any]) -> Action:
        """Return the action that a body requests.

        :raises trove.common.exception.BadRequest: the body does not request exactly one.
        """
        key = self._key_of(body)
        value = body.get(key)
        return next(action for action in self._actions
                    if action.key == key and (action.inner is None or
                                              (isinstance(value, dict) and action.inner in value)))

    def _only_named(self, body: dict[str, Any]) -> str:
        keys = {action.key for action in self._actions}
        named = keys & body.keys()
        if len(named) != 1 or (self._only_key and len(body) != 1):
            raise exception.BadRequest(f"The body must hold exactly one action: one of "
                                       f"{', '.join(sorted(keys))}.")
        return named.pop()


@dataclasses.dataclass(frozen=True)
class Route:
    """One line of the URL table.

    Before the handler is called, the dispatcher enforces the policy rules, reads the body and
    checks its schema, in this order.

    :param path: relative to the version; ``{name}`` stands for one segment. ``project_id`` is not
        passed on.
    :param handler: takes the request, the named segments, the ``body`` if the route has a request
        schema, and the ``action`` if the route has actions. Returns a body, a Response, or None for
        a 200 without a body.
    :param rules: policy rules that the caller needs; the actions have rules of their own.
    :param also: policy rules that the handler enforces for some requests.
    :param owner: segment with the project that owns the object; without it, the rules are enforced
        for the caller's project, and again for the owner when the object is found.
    :param admin: require an administrator first.
    :param whole: the last segment is a name with dots, so no format suffix is cut off.
    :param request_schema: of the body; None where no body is read. Routes with actions have theirs.
    :param optional_body: an empty body counts as an empty object; otherwise it is refused.
    :param response_schema: of the body of the response; None for an empty one.
    :param actions: actions, one of which the body requests.
    :param convert: converts a body of a client with a layout of its own, before it is checked.
    :param status: status of success; of the failure where the call never succeeds.
    :param query: names of query parameters, from :data:`trove.common.http.openapi.QUERY`.
    :param faults: further statuses of failures; path, body and query imply some.
    """
    method: str
    path: str
    handler: Callable[..., Any]
    rules: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    owner: str | None = None
    admin: bool = False
    whole: bool = False
    request_schema: jsonschema.Draft202012Validator | None = None
    optional_body: bool = False
    response_schema: dict[str, Any] | None = None
    actions: Actions | None = None
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
    faults: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.actions is not None:
            object.__setattr__(self, 'request_schema', self.actions.schema)

    @property
    def all_rules(self) -> tuple[str, ...]:
        """Return every policy rule that a request may need."""
        return (*self.rules, *(self.actions.rules if self.actions else ()), *self.also)

    @property
    def root(self) -> str:
        """Return the XML root element of a response without a wrapper key."""
        return (self.response_schema or {}).get('xml', {}).get('name', '')
