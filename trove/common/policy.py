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

"""May the caller do this? The rules are in :mod:`trove.common.policies`; operators override them in policy.yaml."""

import threading
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from trove.common import exception, policies

CONF = cfg.CONF

_lock = threading.Lock()
_enforcer: policy.Enforcer | None = None


def get_enforcer() -> policy.Enforcer:
    """The enforcer of this process, with the rules of the operator's files as they were when it was made.

    oslo.policy looks at its files at every check unless told not to, which costs more than the check. Processes are
    told to look again by :func:`reset`.
    """
    global _enforcer
    with _lock:
        if _enforcer is None:
            made = policy.Enforcer(CONF)
            # Every rule has a former default; one line per rule at each start would help nobody.
            made.suppress_default_change_warnings = True
            made.suppress_deprecation_warnings = True
            made.register_defaults(policies.list_rules())
            made.load_rules()
            made.use_conf = False
            _enforcer = made
        return _enforcer


def reset() -> None:
    """Forget the rules; the next check reads the operator's files again."""
    global _enforcer
    with _lock:
        _enforcer = None


def is_admin(context: Any) -> bool:
    """Whether the caller is an administrator, by option ``admin_roles`` if set, else by rule ``context_is_admin``."""
    if CONF.admin_roles:
        return not {role.lower() for role in CONF.admin_roles}.isdisjoint(role.lower() for role in context.roles)
    values = context.to_policy_values()
    return bool(get_enforcer().authorize('context_is_admin', values, context, do_raise=False))


def authorize(context: Any, rule: str, tenant: str | None = None) -> None:
    """Refuse the caller unless the rule allows it.

    :param tenant: project that owns the object; the caller's own when not given.
    :raises trove.common.exception.Forbidden: naming the rule.
    """
    owner = context.project_id if tenant is None else tenant
    target = {'tenant': owner, 'project_id': owner}
    try:
        get_enforcer().authorize(rule, target, context, do_raise=True)
    except (policy.PolicyNotAuthorized, policy.InvalidScope):
        raise exception.Forbidden(f'Policy does not allow {rule} to be performed.') from None


def require_admin(context: Any) -> None:
    """The gate before everything under /mgmt. 401 and not 403, because clients then log in again once.

    :raises trove.common.exception.Unauthorized:
    """
    if not context.is_admin:
        raise exception.Unauthorized('User does not have admin privileges.')
