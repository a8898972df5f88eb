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

"""Access to objects that a request names: visible to the caller, allowed for their owner."""

from collections.abc import Callable
from typing import Any

from trove.common import policy
from trove.common.http.request import RULES_KEY, Request


def find(request: Request, load: Callable[..., Any], *names: Any, **options: Any) -> Any:
    """Return the row of an object, if the rules of the request allow the caller to use it.

    The dispatcher has enforced the rules for the caller's project before the lookup, so that an
    unauthorized caller learns nothing. Here they are enforced for the owner.

    :param load: ``(context, *names, **options)`` returns a row with ``tenant_id`` or ``project_id``
        that the caller may see, or raises NotFound.
    """
    row = load(request.context, *names, **options)
    authorize_owner(request, policy.owner_of(row))
    return row


def authorize_owner(request: Request, project_id: str | None) -> None:
    """Enforce the rules of a request for another project than the caller's.

    :param project_id: owner of the object; None for an object of no project.
    :raises trove.common.exception.Forbidden: a rule does not allow it.
    """
    if project_id not in (None, request.context.project_id):
        for rule in request.environ[RULES_KEY]:
            policy.authorize(request.context, rule, project_id)
