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

"""Caller of a request: project, user and roles.

In the real process keystonemiddleware validates the token and adds the result to the request's
headers. In-process tests issue tokens from a table.
"""

import dataclasses
import uuid
from typing import Any, Protocol


@dataclasses.dataclass(frozen=True)
class Identity:
    """Owner of a token."""

    user_id: str
    project_id: str
    roles: frozenset[str]
    #: True: the caller may see and change everything, as an admin or a service of the cloud.
    is_admin: bool


class Identifier(Protocol):
    """Source of the identity behind a WSGI environment."""

    def identify(self, environ: dict[str, Any]) -> Identity | None:
        """Return the caller, or None without a valid token."""


class MiddlewareIdentifier:
    """Identifier that reads the headers of keystonemiddleware's auth_token.

    The middleware must run with ``delay_auth_decision``, so that version documents need no token.
    Members of the project ``service_project`` are trusted as services.
    """

    def __init__(self, service_project: str = 'service'):
        self._service_project = service_project

    def identify(self, environ: dict[str, Any]) -> Identity | None:
        """Implement :class:`Identifier`."""
        if environ.get('HTTP_X_IDENTITY_STATUS') != 'Confirmed':
            return None
        project_id = environ.get('HTTP_X_PROJECT_ID')
        if not project_id:
            return None
        roles = frozenset(role.strip().lower()
                          for role in environ.get('HTTP_X_ROLES', '').split(',') if role.strip())
        in_service_project = environ.get('HTTP_X_PROJECT_NAME') == self._service_project
        return Identity(environ.get('HTTP_X_USER_ID', ''), project_id, roles,
                        bool('admin' in roles or 'service' in roles or in_service_project))


class TokenTable:
    """Table of tokens for tests; the project ``service`` is the service project."""

    def __init__(self) -> None:
        self._tokens: dict[str, Identity] = {}

    def issue(self, project_id: str, user_id: str, roles: tuple[str, ...] = ('member',)) -> str:
        """Return a new token for this project, user and roles."""
        token = uuid.uuid4().hex
        self._tokens[token] = Identity(
            user_id, project_id, frozenset(roles),
            'admin' in roles or 'service' in roles or project_id == 'service')
        return token

    def identify(self, environ: dict[str, Any]) -> Identity | None:
        """Implement :class:`Identifier`."""
        return self._tokens.get(environ.get('HTTP_X_AUTH_TOKEN', ''))
