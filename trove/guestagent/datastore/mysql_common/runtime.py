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


"""Options of a running server of the family: applied without a restart, and checked for drift."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from trove.guestagent.datastore.engine import Applied, EngineError, EngineUnavailable
from trove.guestagent.datastore.mysql_common import statements, variables
from trove.guestagent.datastore.mysql_common.connection import Session

#: Errors of options that need a restart. 1290 is max_user_connections, fixed if it starts as 0.
_AT_START = ('(1238)', '(1290)')


class Variable(NamedTuple):
    """Server variable. ``kind`` is a word of MariaDB's information_schema."""
    kind: str
    read_only: bool
    value: str


#: Reads some variables of a server.
Look = Callable[[Session, Collection[str]], dict[str, Variable]]


def apply(sql: Session, look: Look, changes: Mapping[str, str | None]) -> Applied:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.apply_options`."""
    known = look(sql, changes)
    waiting: set[str] = set()
    refused: dict[str, str] = {}
    for name, value in changes.items():
        found = known.get(name)
        if found is None or found.read_only:
            # An option without a variable; the server has already accepted its files.
            waiting.add(name)
            continue
        try:
            new = 'DEFAULT' if value is None else variables.expression(found.kind, value)
            sql.execute(f'SET GLOBAL {statements.identifier(name)} = {new}')
        except EngineUnavailable:
            raise
        except EngineError as error:
            if any(number in error.message for number in _AT_START):
                waiting.add(name)
            else:
                refused[name] = error.message
    taken = changes.keys() - waiting - refused.keys()
    now = look(sql, taken)
    adjusted = {}
    for name in sorted(taken):
        value, found = changes[name], now[name]
        if value is not None and not variables.same(found.kind, value, found.value):
            adjusted[name] = found.value
    return Applied(frozenset(taken), frozenset(waiting), refused, adjusted)


def drifted(running: Mapping[str, Variable], expected: Mapping[str, str]) -> dict[str, str]:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.drifted_options`.

    :param running: those of the expected variables that a statement has set.
    """
    return {name: found.value for name, found in running.items()
            if not found.read_only and not variables.same(found.kind, expected[name], found.value)}
