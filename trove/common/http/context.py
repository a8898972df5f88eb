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

"""Paste filter ``contextwrapper``: the request context of the caller."""

from typing import Any

from trove.common import context as contexts
from trove.common import policy
from trove.common.http.request import CONTEXT_KEY


class ContextMiddleware:
    """Filter that makes a context from the headers of the token check, for everything below."""

    def __init__(self, application: Any) -> None:
        self.application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        context = contexts.RequestContext.from_environ(environ,
                                                       client_address=environ.get('REMOTE_ADDR'))
        context.is_admin = policy.is_admin(context)
        environ[CONTEXT_KEY] = context
        return self.application(environ, start_response)
