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

"""HTTP without a framework: routes, calls, microversions and pages."""

import dataclasses
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import jsonschema
import webob

from minicloud import errors
from minicloud.identity import Identity
from minicloud.state import Record, Transaction

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

Version = tuple[int, int]

#: Result of a handler: a body (200), a status and a body, or a whole response.
Answer: TypeAlias = dict[str, Any] | tuple[int, Any] | webob.Response
Handler: TypeAlias = Callable[..., Answer]


@dataclasses.dataclass
class Call:
    """One request as its handler sees it."""

    request: webob.Request
    cloud: 'Cloud'
    tx: Transaction
    #: None only on routes without authentication.
    identity: Identity
    #: Requested microversion; (0, 0) if the service has none.
    version: Version = (0, 0)
    request_id: str = ''
    #: Called after the transaction has ended; returns the response instead of the handler's own.
    later: Callable[[], Answer] | None = None

    @property
    def query(self) -> webob.multidict.MultiDict:
        """Return the query parameters, several values of one name included."""
        return self.request.GET

    @property
    def project_id(self) -> str:
        """Return the project the token is for."""
        return self.identity.project_id

    @property
    def is_admin(self) -> bool:
        """Return whether the caller may see and change everything."""
        return self.identity.is_admin

    def require_admin(self, what: str) -> None:
        """Raise 403 unless the caller is an admin."""
        if not self.is_admin:
            raise errors.Forbidden(f"Policy doesn't allow {what} to be performed.",
                                   'PolicyNotAuthorized')

    def json(self) -> Any:
        """Return the parsed body."""
        try:
            return json.loads(self.request.body or b'null')
        except ValueError:
            raise errors.BadRequest('The server could not comply with the request since it is '
                                    'either malformed or otherwise incorrect.') from None

    def member(self, name: str) -> dict[str, Any]:
        """Return the body's member of this name, which must be an object."""
        body = self.json()
        value = body.get(name) if isinstance(body, dict) else None
        if not isinstance(value, dict):
            raise errors.BadRequest(f"Invalid input for field/attribute {name}. '{name}' is a "
                                    'required property and must be an object.')
        return value

    def url(self, path: str) -> str:
        """Return the absolute address of a path below the service."""
        return f'{self.request.application_url}{path}'

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a query parameter as a boolean, by oslo's lenient rules."""
        value = self.query.get(name)
        return default if value is None else as_bool(value)

    def time(self, moment: float | None = None) -> str:
        """Return a moment (default: now) as ``2026-01-31T12:00:00Z``."""
        return self.cloud.time(moment)


def as_bool(value: Any) -> bool:
    """Convert a boolean of JSON or of a query string."""
    return value if isinstance(value, bool) else str(value).strip().lower() in (
        '1', 't', 'true', 'on', 'y', 'yes')


def check(schema: dict, value: Any) -> None:
    """Raise on a value that does not match the schema, with Nova's message."""
    validator = jsonschema.Draft202012Validator(schema)
    problem = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if problem is None:
        return
    path = '/'.join(str(part) for part in problem.absolute_path)
    if path:
        raise errors.BadRequest(f'Invalid input for field/attribute {path}. '
                                f'Value: {problem.instance}. {problem.message}')
    raise errors.BadRequest(f'Invalid input. {problem.message}')


@dataclasses.dataclass(frozen=True)
class Route:
    """A verb and a path (``/servers/{id}``) with its handler."""

    method: str
    path: str
    handler: Handler
    #: First microversion with the route, and the last one.
    since: Version = (0, 0)
    until: Version = (999, 999)

    @property
    def pattern(self) -> re.Pattern:
        """Return the expression that matches the path and names its parts."""
        return re.compile(re.sub(r'\\{(\w+)\\}', r'(?P<\1>[^/]+)', re.escape(self.path)) + '/?$')


class Router:
    """Lookup of the route of a request."""

    def __init__(self, routes: Iterable[Route]):
        self._routes = [(route.pattern, route) for route in routes]

    def find(self, method: str, path: str, version: Version) -> tuple[Route, dict[str, str]]:
        """Return the route and the named parts of the path; raise 404 or 405 if no route matches.
        """
        allowed = set()
        for pattern, route in self._routes:
            match = pattern.match(path)
            if match is None or not route.since <= version <= route.until:
                continue
            if route.method == method:
                return route, {name: urllib.parse.unquote(value)
                               for name, value in match.groupdict().items()}
            allowed.add(route.method)
        if allowed:
            raise errors.MethodNotAllowed('The method is not allowed for this resource.',
                                          headers={'Allow': ', '.join(sorted(allowed))})
        raise errors.NotFound('The resource could not be found.')


def negotiate(requested: str | None, lowest: Version, highest: Version) -> Version:
    """Return the microversion of the response; the default is the lowest."""
    if requested is None:
        return lowest
    if requested == 'latest':
        return highest
    match = re.fullmatch(r'(\d+)\.(\d+)', requested)
    if match is None:
        raise errors.BadRequest(f'API Version String {requested} is of invalid format. '
                                'Must be of format MajorNum.MinorNum.')
    version = int(match[1]), int(match[2])
    if not lowest <= version <= highest:
        raise errors.NotAcceptable(
            f'Version {requested} is not supported by the API. Minimum is {show(lowest)} and '
            f'maximum is {show(highest)}.')
    return version


def show(version: Version) -> str:
    """Return a version as text."""
    return f'{version[0]}.{version[1]}'


def integer(value: Any, name: str, lowest: int = 0) -> int:
    """Convert a whole number of a query parameter or a body."""
    if isinstance(value, bool):
        raise errors.BadRequest(f'{name} must be an integer')
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise errors.BadRequest(f"Invalid input for field/attribute {name}. Value: {value}. "
                                f"'{value}' is not an integer") from None
    if number < lowest:
        raise errors.BadRequest(f'Invalid input for field/attribute {name}. Value: {value}. '
                                f'{value} is less than the minimum of {lowest}')
    return number


def page(call: Call, records: list[Record], most: int = 1000, marker_name: str = 'marker',
         limited: bool = True) -> tuple[list[Record], str | None]:
    """Return one page of sorted records and the address of the next page, or None.

    With ``limited``, a request without ``limit`` gets at most ``most`` records.
    """
    marker = call.query.get(marker_name)
    limit = call.query.get('limit')
    if marker:
        places = [place for place, record in enumerate(records)
                  if str(record['id']) == marker]
        if not places:
            raise errors.BadRequest(f'marker [{marker}] not found')
        records = records[places[0] + 1:]
    size = min(integer(limit, 'limit'), most) if limit else (most if limited else len(records))
    following = None
    if len(records) > size > 0:
        query = [(name, value) for name, value in call.query.items() if name != marker_name]
        query.append((marker_name, str(records[size - 1]['id'])))
        following = f'{call.request.path_url}?{urllib.parse.urlencode(query)}'
    return records[:size], following


def sort(records: list[Record], keys: list[tuple[str, str]]) -> list[Record]:
    """Sort by several (member, ``asc`` or ``desc``); a missing value comes first."""
    for key, direction in reversed(keys):
        if direction not in ('asc', 'desc'):
            raise errors.BadRequest(f'Unknown sort direction {direction}, must be asc or desc')
        records = sorted(records, key=lambda record: _sortable(record.get(key)),
                         reverse=direction == 'desc')
    return records


def _sortable(value: Any) -> tuple:
    if value is None:
        return (0, '')
    if isinstance(value, (int, float)):
        return (1, value)
    return (2, str(value))


class Service:
    """One of the services: its routes, version documents and error format.

    ``documents(request)`` returns the response for a path that needs no token (version documents),
    else None. ``microversions`` is (header values' service name, lowest, highest) or None.
    """

    def __init__(self, name: str, root: str, routes: Iterable[Route],
                 documents: Callable[[webob.Request], webob.Response | None],
                 render: Callable[[errors.ApiError], webob.Response],
                 microversions: tuple[str, Version, Version] | None = None,
                 legacy_header: str | None = None, project_in_path: bool = False):
        self.name = name
        self.router = Router(routes)
        self.versions = documents
        self.render = render
        self._root = root
        self._microversions = microversions
        self._legacy_header = legacy_header
        self._project_in_path = project_in_path

    def negotiate(self, request: webob.Request) -> Version:
        """Return the requested microversion."""
        if self._microversions is None:
            return (0, 0)
        kind, lowest, highest = self._microversions
        requested = None
        if self._legacy_header:
            requested = request.headers.get(self._legacy_header)
        for item in request.headers.get('OpenStack-API-Version', '').split(','):
            words = item.split()
            if len(words) == 2 and words[0].lower() == kind:
                requested = words[1]
        return negotiate(requested, lowest, highest)

    def decorate(self, response: webob.Response, version: Version, request_id: str) -> None:
        """Add the microversion to the response's headers."""
        if self.name == 'compute':
            response.headers['X-Compute-Request-Id'] = request_id
        if self._microversions is None or version == (0, 0):
            return
        response.headers['OpenStack-API-Version'] = f'{self._microversions[0]} {show(version)}'
        response.headers['Vary'] = 'OpenStack-API-Version'
        if self._legacy_header:
            response.headers[self._legacy_header] = show(version)
            response.headers.add('Vary', self._legacy_header)

    def strip(self, path: str, identity: Identity) -> str:
        """Return the path without the version and, where usual, without the project."""
        if path != self._root and not path.startswith(f'{self._root}/'):
            raise errors.NotFound('The resource could not be found.')
        path = path[len(self._root):] or '/'
        if not self._project_in_path:
            return path
        first, _, rest = path.lstrip('/').partition('/')
        if first == identity.project_id:
            return f'/{rest}'
        if re.fullmatch(r'[0-9a-f]{32}', first):
            raise errors.BadRequest('Malformed request url')
        return path
