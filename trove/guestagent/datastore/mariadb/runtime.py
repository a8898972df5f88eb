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

"""Options of a running MariaDB: changed without a restart, and looked at for what others changed."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from trove.guestagent.datastore.engine import Applied, EngineError, EngineUnavailable
from trove.guestagent.datastore.mysql_common import statements, variables
from trove.guestagent.datastore.mysql_common.connection import Session

#: Errors that mean: only at the start, with these options. 1290 is max_user_connections, fixed when it starts as 0.
_AT_START = ('(1238)', '(1290)')
#: Where the server says a value is from when a statement set it; our own statements count as well.
_BY_STATEMENT = 'SQL'


class Variable(NamedTuple):
    """A server variable as information_schema shows it."""
    kind: str
    read_only: bool
    value: str
    origin: str


def apply(sql: Session, changes: Mapping[str, str | None]) -> Applied:
    """:meth:`trove.guestagent.datastore.engine.Engine.apply_options`"""
    known = _variables(sql, changes)
    waiting: set[str] = set()
    refused: dict[str, str] = {}
    for name, value in changes.items():
        found = known.get(name)
        if found is None or found.read_only:
            # Options without a variable exist; the server has accepted its files before it came to this.
            waiting.add(name)
            continue
        try:
            wanted = 'DEFAULT' if value is None else variables.expression(found.kind, value)
            sql.execute(f'SET GLOBAL {statements.identifier(name)} = {wanted}')
        except EngineUnavailable:
            raise
        except EngineError as error:
            if any(number in error.message for number in _AT_START):
                waiting.add(name)
            else:
                refused[name] = error.message
    taken = changes.keys() - waiting - refused.keys()
    now = _variables(sql, taken)
    adjusted = {}
    for name in sorted(taken):
        value, found = changes[name], now[name]
        if value is not None and not variables.same(found.kind, value, found.value):
            adjusted[name] = found.value
    return Applied(frozenset(taken), frozenset(waiting), refused, adjusted)


def drifted(sql: Session, wanted: Mapping[str, str]) -> dict[str, str]:
    """:meth:`trove.guestagent.datastore.engine.Engine.drifted_options`"""
    return {name: found.value for name, found in _variables(sql, wanted, origin=_BY_STATEMENT).items()
            if not found.read_only and not variables.same(found.kind, wanted[name], found.value)}


def _variables(sql: Session, names: Collection[str], *, origin: str | None = None) -> dict[str, Variable]:
    if not names:
        return {}
    text = ('SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, READ_ONLY, GLOBAL_VALUE, GLOBAL_VALUE_ORIGIN '
            'FROM information_schema.SYSTEM_VARIABLES '
            f'WHERE VARIABLE_NAME IN ({statements.literals(sorted(names))}) AND GLOBAL_VALUE IS NOT NULL')
    if origin is not None:
        text += f' AND GLOBAL_VALUE_ORIGIN = {statements.literal(origin)}'
    return {name: Variable(kind, read_only == 'YES', value, from_) for name, kind, read_only, value, from_ in
            sql.rows(text)}
