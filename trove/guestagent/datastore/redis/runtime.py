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

"""Options of a running server: changed with CONFIG SET, and checked for drift."""

from collections.abc import Callable, Mapping

from trove.guestagent.datastore.engine import Applied, EngineError, EngineUnavailable
from trove.guestagent.datastore.redis import options
from trove.guestagent.datastore.redis.connection import Session

#: Word in the error of an option that needs a restart.
_AT_START = 'immutable'


def apply(session: Session, changes: Mapping[str, str | None],
          built_in: Callable[[], Mapping[str, str]]) -> Applied:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.apply_options`.

    :param built_in: returns the default values of all options; called only if one is needed.
    """
    known = session.settings(*changes) if changes else {}
    waiting: set[str] = set()
    refused: dict[str, str] = {}
    adjusted: dict[str, str] = {}
    for name, value in changes.items():
        if name not in known:
            # A directive without a setting; the server has already accepted its files.
            waiting.add(name)
            continue
        new = built_in().get(name, '') if value is None else value
        try:
            session.call('CONFIG', 'SET', name, new)
        except EngineUnavailable:
            raise
        except EngineError as error:
            if _AT_START in error.message:
                waiting.add(name)
            else:
                refused[name] = _reason(error.message)
            continue
        now = session.settings(name)[name]
        if not options.same(name, new, now):
            adjusted[name] = now
    return Applied(frozenset(changes.keys() - waiting - refused.keys()), frozenset(waiting),
                   refused, adjusted)


def _reason(message: str) -> str:
    """Return the reason in an error of CONFIG SET."""
    return message.rpartition(' - ')[2]


def drifted(session: Session, expected: Mapping[str, str]) -> dict[str, str]:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.drifted_options`."""
    if not expected:
        return {}
    running = session.settings(*expected)
    return {name: running[name] for name, value in expected.items()
            if name in running and not options.same(name, value, running[name])}
