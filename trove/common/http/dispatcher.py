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

"""Dispatcher: policy, body and schema of a request by the URL table, then the controller."""

from typing import Any

from trove.common import exception, policy
from trove.common.http import schemas, serializers
from trove.common.http.mapper import RouteMapper
from trove.common.http.request import FORMAT_KEY, RULES_KEY, SCHEMA_KEY, Request
from trove.common.http.response import Response, written
from trove.common.http.route import Route


class Dispatcher:
    """WSGI application of a URL table. Failures are raised; the fault wrapper converts them."""

    def __init__(self, mapper: RouteMapper) -> None:
        self._mapper = mapper

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        try:
            path = environ['PATH_INFO'].encode('latin-1').decode()
        except UnicodeError:
            raise exception.NotFound('The resource could not be found.') from None
        if '\0' in path:
            # Some databases refuse a null character in a parameter, and no resource has one.
            raise exception.NotFound('The resource could not be found.')
        route, arguments, suffix = self._mapper.match(request.method, path)
        environ[FORMAT_KEY] = (serializers.by_suffix(suffix)
                               or serializers.by_accept(environ.get('HTTP_ACCEPT', '')))
        response = route.handler(request, **arguments, **_checked(request, route, arguments))
        if not isinstance(response, Response):
            response = Response(200, response)
        return written(request.response_format, response, route.root)(environ, start_response)


def _checked(request: Request, route: Route, arguments: dict[str, str]) -> dict[str, Any]:
    """Enforce the policy rules of a route, then check the body; nothing is looked up before.

    :returns: arguments ``body`` and ``action`` of the handler, if the route has them.
    """
    context, environ = request.context, request.environ
    if route.admin:
        policy.require_admin(context)
    owner = arguments[route.owner] if route.owner else None
    for rule in route.rules:
        policy.authorize(context, rule, owner)
    environ[RULES_KEY] = route.rules
    if route.request_schema is None:
        return {}
    if route.actions is not None:
        # The body names the action; it is not read for a caller with none of the rules.
        policy.authorize_any(context, route.actions.rules, owner)
    environ[SCHEMA_KEY] = route.request_schema.schema
    body = request.json_body(required=not route.optional_body)
    if route.convert is not None:
        body = route.convert(body)
    if route.actions is None:
        schemas.check(route.request_schema, body)
        return {'body': body}
    action = route.actions.chosen(body)
    policy.authorize(context, action.rule, owner)
    environ[RULES_KEY] = (*route.rules, action.rule)
    schemas.check(action.schema, body)
    return {'body': body, 'action': action}
