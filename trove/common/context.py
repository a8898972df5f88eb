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

"""Request context: caller, project and request id."""

from typing import Any

from oslo_context import context as oslo_context

#: Value of a policy attribute of the caller.
PolicyValue = str | bool | None | tuple[str, ...]


class RequestContext(oslo_context.RequestContext):
    """Context of a request, with the address of its client.

    Policy rule ``context_is_admin`` decides ``is_admin`` at the HTTP edge; no role name does.

    :ivar client_address: address of the client, None outside a request.
    """

    def __init__(self, *args: Any, client_address: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client_address = client_address

    @property
    def caller(self) -> tuple[tuple[str, PolicyValue], ...]:
        """Attributes of the caller for policy rules, hashable: lists are tuples."""
        values = {**self.to_policy_values(), 'is_admin': self.is_admin}
        return tuple((name, tuple(value) if isinstance(value, list) else value)
                     for name, value in values.items())
