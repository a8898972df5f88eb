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
"""Options of a running PostgreSQL: applied by a reload, and checked for drift."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from psycopg2 import sql

from trove.guestagent.datastore.engine import Applied, EngineUnavailable
from trove.guestagent.datastore.postgres import values
from trove.guestagent.datastore.postgres.connection import Session

#: Seconds the server may take to read its files, which it does between two connections.
RELOAD_WAIT = 10
_POLL = 0.05
_AT_START, _NEVER = 'postmaster', 'internal'
#: Error in pg_file_settings for a valid value that waits for a restart.
_WAITS = 'setting could not be applied'
#: Sources in pg_settings of values on the command line.
_FIXED = ('command line', 'override')

Connect = Callable[[], AbstractContextManager[Session]]


class Setting(NamedTuple):
    """Setting in pg_settings."""
    kind: str
    unit: str | None
    context: str
    value: str
    source: str
    file: str | None
    pending_restart: bool


def apply(connect: Connect, changes: Mapping[str, str | None]) -> Applied:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.apply_options`.

    :param connect: opens a session with the server's own settings.
    """
    with connect() as session:
        known = _settings(session, changes)
        refused = _refused(session, changes, known)
        before = session.scalar('SELECT pg_catalog.pg_conf_load_time()')
        session.rows('SELECT pg_catalog.pg_reload_conf()')
    _await_reload(connect, before)
    with connect() as session:
        now = _settings(session, changes)
    waiting = {name for name in changes.keys() - refused.keys() if _waits(now[name], changes[name])}
    return Applied(frozenset(changes.keys() - refused.keys() - waiting), frozenset(waiting),
                   refused, {})


def _waits(setting: Setting, value: str | None) -> bool:
    """Return whether a value is in force only after the next start."""
    if setting.pending_restart:
        return True
    in_force = value is not None and values.same(setting.kind, setting.unit, value, setting.value)
    return setting.context == _AT_START and value is not None and not in_force


def _refused(session: Session, changes: Mapping[str, str | None],
             known: Mapping[str, Setting]) -> dict[str, str]:
    found = {name: 'the engine knows no such option' for name in changes.keys() - known.keys()}
    for name, setting in known.items():
        if setting.context == _NEVER:
            found[name] = 'the engine does not let it be changed'
        elif setting.source in _FIXED:
            found[name] = 'the service sets it'
    errors = sql.SQL('SELECT lower(name), error FROM pg_catalog.pg_file_settings '
                     'WHERE error IS NOT NULL AND lower(name) IN ({})')
    for name, error in session.rows(errors.format(_literals(changes))) if changes else ():
        if error != _WAITS:
            found.setdefault(name, error)
    return found


def _await_reload(connect: Connect, before: Any) -> None:
    """Wait for the reload; a new session has the settings of the time of its start."""
    deadline = time.monotonic() + RELOAD_WAIT
    while True:
        with connect() as session:
            if session.scalar('SELECT pg_catalog.pg_conf_load_time()') > before:
                return
        if time.monotonic() >= deadline:
            raise EngineUnavailable('The engine did not read its configuration again.',
                                    answering=True)
        time.sleep(_POLL)


def drifted(session: Session, expected: Mapping[str, str], directory: str) -> dict[str, str]:
    """Implement :meth:`trove.guestagent.datastore.engine.Engine.drifted_options`.

    :param directory: directory of the agent's files; other sources are changes by others.
    """
    return {name: found.value for name, found in _settings(session, expected).items()
            if not found.pending_restart and found.source not in _FIXED
            and not (found.file or '').startswith(directory)
            and not values.same(found.kind, found.unit, expected[name], found.value)}


def _settings(session: Session, names: Collection[str]) -> dict[str, Setting]:
    if not names:
        return {}
    rows = session.rows(sql.SQL(
        'SELECT lower(name), vartype, unit, context, setting, source, sourcefile, pending_restart '
        'FROM pg_catalog.pg_settings WHERE lower(name) IN ({})').format(_literals(names)))
    return {name: Setting(*rest) for name, *rest in rows}


def _literals(names: Collection[str]) -> sql.Composed:
    return sql.SQL(', ').join(map(sql.Literal, sorted(names)))
