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

import functools
import re
import threading
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

from oslo_config import cfg
from oslo_policy import policy

from trove.common import exception, policies

CONF = cfg.CONF

#: Decisions one process remembers: a few rules for each caller that is at work.
_REMEMBERED = 8192

#: All that rules can ask of a caller: (name, value) pairs, lists as tuples.
Caller = tuple[tuple[str, Any], ...]
#: (rule, project that owns the object, caller) -> whether it is allowed.
Decide = Callable[[str, str | None, Caller], bool]


class _Rules(NamedTuple):
    enforcer: policy.Enforcer
    decide: Decide


_lock = threading.Lock()
_rules: _Rules | None = None


def get_enforcer() -> policy.Enforcer:
    """The enforcer of this process, with the rules of the operator's files as they were when it was made.

    oslo.policy looks at its files at every check unless told not to, which costs more than the check. Processes are
    told to look again by :func:`reset`.
    """
    return _current().enforcer


def _current() -> _Rules:
    global _rules
    with _lock:
        if _rules is None:
            made = policy.Enforcer(CONF)
            # Every rule has a former default; one line per rule at each start would help nobody.
            made.suppress_default_change_warnings = True
            made.suppress_deprecation_warnings = True
            made.register_defaults(policies.list_rules())
            made.load_rules()
            made.use_conf = False
            _rules = _Rules(made, _deciding_by(made))
        return _rules


def reset() -> None:
    """Forget the rules; the next check reads the operator's files again."""
    global _rules
    with _lock:
        _rules = None


def _deciding_by(enforcer: policy.Enforcer) -> Decide:
    """Ask the rules, once for each question: the same rules say the same of the same caller.

    Rules that ask another server, or a check that somebody has added to oslo.policy, may change their mind, so with
    any such rule nothing is remembered.
    """
    def decide(rule: str, owner: str | None, caller: Caller) -> bool:
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in caller
        }
        try:
            return bool(
                enforcer.authorize(rule, {
                    'tenant': owner,
                    'project_id': owner
                }, values, do_raise=True))
        except (policy.PolicyNotAuthorized, policy.InvalidScope):
            return False

    kinds = {entry.name for entry in metadata.entry_points(group='oslo.policy.rule_checks')}
    asks_others = re.compile(
        rf'(?<![\w.])({"|".join(map(re.escape, sorted(kinds)))}):') if kinds else None
    if asks_others and any(asks_others.search(str(check)) for check in enforcer.rules.values()):
        return decide
    return functools.lru_cache(_REMEMBERED)(decide)


def _allows(rule: str, owner: str | None, context: Any) -> bool:
    return (_rules or _current()).decide(rule, owner, context.caller)


def is_admin(context: Any) -> bool:
    """Whether the caller is an administrator, by option ``admin_roles`` if set, else by rule ``context_is_admin``."""
    if CONF.admin_roles:
        return not {role.lower()
                    for role in CONF.admin_roles}.isdisjoint(role.lower() for role in context.roles)
    return _allows('context_is_admin', context.project_id, context)


def authorize(context: Any, rule: str, tenant: str | None = None) -> None:
    """Refuse the caller unless the rule allows it.

    :param tenant: project that owns the object; the caller's own when not given.
    :raises trove.common.exception.Forbidden: naming the rule.
    """
    if not _allows(rule, context.project_id if tenant is None else tenant, context):
        raise exception.Forbidden(f'Policy does not allow {rule} to be performed.')


def owned(context: Any, row: Any, named: str) -> Any:
    """The row, if the caller may know of it: one of the project, or any for an administrator.

    :param row: with a column ``tenant_id``; None when there is none.
    :param named: what the caller named it by.
    :raises trove.common.exception.NotFound: it is not there, or another project's.
    """
    if row is None or (row.tenant_id != context.project_id and not context.is_admin):
        raise exception.not_found(named)
    return row


def require_admin(context: Any) -> None:
    """The gate before everything under /mgmt. 401 and not 403, because clients then log in again once.

    :raises trove.common.exception.Unauthorized:
    """
    if not context.is_admin:
        raise exception.Unauthorized('User does not have admin privileges.')
