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

"""The request context: who asks, on behalf of which project, under which request id."""

from typing import Any

from oslo_context import context as oslo_context


class RequestContext(oslo_context.RequestContext):
    """oslo.context with the one flag our queries and views need.

    ``is_admin`` is decided by policy rule ``context_is_admin`` at the HTTP edge, never by a role name here.
    """

    def __init__(self, *args: Any, client_address: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client_address = client_address

    @property
    def caller(self) -> tuple[tuple[str, Any], ...]:
        """All that policy rules can ask of the caller, in a form that can be remembered: lists are tuples."""
        values = {**self.to_policy_values(), 'is_admin': self.is_admin}
        return tuple((name, tuple(value) if isinstance(value, list) else value)
                     for name, value in values.items())
