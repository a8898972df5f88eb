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

"""Enforcement of policy rules.

The rules are in :mod:`trove.common.policies`; operators override them in policy.yaml.
"""

import functools
import re
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, NamedTuple

from oslo_config import cfg
from oslo_policy import policy

from trove.common import exception, policies

CONF = cfg.CONF

#: Decisions that a process caches: a few rules for each active caller.
_CACHED = 8192

#: Attributes of a caller that rules can check: (name, value) pairs, lists as tuples.
Caller = tuple[tuple[str, Any], ...]
#: (rule, project that owns the object, caller) -> the rule allows it.
Decide = Callable[[str, str | None, Caller], bool]


class _Rules(NamedTuple):
    enforcer: policy.Enforcer
    decide: Decide


_lock = threading.Lock()
_rules: _Rules | None = None


def get_enforcer() -> policy.Enforcer:
    """Return the enforcer of this process, with the rules of the operator's files at its creation.

    By default oslo.policy looks at its files at every check, which costs more than the check. A
    process reads the files again after :func:`reset`.
    """
    return _current().enforcer


def _current() -> _Rules:
    global _rules
    with _lock:
        if _rules is None:
            made = policy.Enforcer(CONF)
            # Every rule has a deprecated default; a warning for each at every start is noise.
            made.suppress_default_change_warnings = True
            made.suppress_deprecation_warnings = True
            made.register_defaults(policies.list_rules())
            made.load_rules()
            made.use_conf = False
            _rules = _Rules(made, _decider_of(made))
        return _rules


def reset() -> None:
    """Drop the rules; the next check reads the operator's files again."""
    global _rules
    with _lock:
        _rules = None


def _decider_of(enforcer: policy.Enforcer) -> Decide:
    """Return a function that evaluates rules and caches the decisions.

    Nothing is cached if a rule uses a check that asks another server or that is added to
    oslo.policy by an entry point, because its decision may change.
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
    return functools.lru_cache(_CACHED)(decide)


def _allows(rule: str, owner: str | None, context: Any) -> bool:
    return (_rules or _current()).decide(rule, owner, context.caller)


def is_admin(context: Any) -> bool:
    """Return whether the caller is an administrator.

    Option ``admin_roles`` decides if it is set, else rule ``context_is_admin``.
    """
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


def authorize_any(context: Any, rules: Sequence[str], tenant: str | None = None) -> None:
    """Refuse the caller unless one of the rules allows it.

    :param tenant: project that owns the object; the caller's own when not given.
    :raises trove.common.exception.Forbidden: naming the rules.
    """
    owner = context.project_id if tenant is None else tenant
    if not any(_allows(rule, owner, context) for rule in rules):
        raise exception.Forbidden(f"Policy does not allow {' or '.join(rules)} to be performed.")


def owner_of(row: Any) -> str | None:
    """Return the project of an object; None for an object of no project."""
    return row.tenant_id if hasattr(row, 'tenant_id') else row.project_id


def owned(context: Any, row: Any, name: str, *, only_own: bool = False) -> Any:
    """Return the row if the caller may see it: rows of the caller's project, or any for an admin.

    :param row: with a column ``tenant_id`` or ``project_id``; None if there is no such row.
    :param name: id or name in the request.
    :param only_own: limit administrators to their own project too.
    :raises trove.common.exception.NotFound: the row does not exist or is another project's.
    """
    if row is None or (owner_of(row) != context.project_id
                       and (only_own or not context.is_admin)):
        raise exception.not_found(name)
    return row


def require_admin(context: Any) -> None:
    """Refuse everybody but administrators, with 401 in place of 403, so that clients log in again.

    :raises trove.common.exception.Unauthorized: the caller is not an administrator.
    """
    if not context.is_admin:
        raise exception.Unauthorized('User does not have admin privileges.')
