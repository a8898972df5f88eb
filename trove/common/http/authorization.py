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

"""Check that the project in the URL is the project of the token, also for administrators."""

from typing import Any

from trove.common import exception


class AuthorizationMiddleware:
    """Paste filter ``authorization``; after the token check, it passes the caller's own project."""

    def __init__(self, application: Any) -> None:
        self.application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        project, slash, _rest = environ['PATH_INFO'].lstrip('/').partition('/')
        # Two segments are needed: the project alone is no resource.
        if not slash or project != environ.get('HTTP_X_PROJECT_ID',
                                               environ.get('HTTP_X_TENANT_ID')):
            raise exception.Forbidden('The project in the URL is not the project of the token.')
        return self.application(environ, start_response)
