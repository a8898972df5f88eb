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

"""One line of the URL table."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jsonschema


class Route(NamedTuple):
    """One line of the URL table, which is also what the OpenAPI document is made of.

    :param path: relative to the version; ``{name}`` stands for one segment. ``project_id`` is not handed on.
    :param handler: takes the request and the named segments, returns a body, a Response, or None for an empty 200.
    :param rules: the policy rules the handler asks; empty where another gate stands, see its docstring.
    :param whole: the last segment is a name that may hold dots, so no suffix is cut off.
    :param request_schema: of the body, None where no body is read.
    :param response_schema: of the body of the response, None for an empty one.
    :param status: of success; a fault's where the call never succeeds.
    :param query: names of query parameters, out of :data:`trove.common.http.openapi.QUERY`.
    :param faults: statuses of its own; those that follow from the path, the body and the query are known.
    """
    method: str
    path: str
    handler: Callable[..., Any]
    rules: tuple[str, ...] = ()
    whole: bool = False
    request_schema: jsonschema.Draft202012Validator | None = None
    response_schema: dict[str, Any] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
    faults: tuple[int, ...] = ()

    @property
    def root(self) -> str:
        """What the answer is called in XML when it has no wrapper key."""
        return (self.response_schema or {}).get('xml', {}).get('name', '')
