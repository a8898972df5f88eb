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

"""Connections to the control-plane database.

Two ways in, both of which give a SQLAlchemy ``Connection``:

* :func:`reader` — autocommit, no BEGIN/COMMIT/ROLLBACK and no ping: one round trip per statement. A
  connection that the server closed while it was idle is replaced once, before the caller's first
  statement has had any effect.
* :func:`writer` — one transaction, committed at the end of the block.

Statements live in the modules beside this one and nowhere else.
"""

import contextlib
import datetime
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import enginefacade, exc_filters
from sqlalchemy import Connection, Row, create_engine, event, exc
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import reset_none

from trove.db import refusals

CONF = cfg.CONF

__all__ = [
    'Connection', 'Row', 'dispose', 'dry_run', 'engine', 'forget', 'install_clock', 'read',
    'reader', 'utcnow', 'write', 'writer'
]

#: Tries of a transaction that is the victim of deadlocks.
_DEADLOCKS = 10
#: Seconds after its last use in which a connection counts as alive.
_IDLE_SECONDS = 5.0

_lock = threading.Lock()
_engines: dict[str, Engine] = {}


def _system_clock() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


_clock: Callable[[], datetime.datetime] = _system_clock


def utcnow() -> datetime.datetime:
    """Return the time of the control plane: UTC, without zone."""
    return _clock()


def install_clock(clock: Callable[[], datetime.datetime] | None) -> None:
    """Read the time from ``clock``, or from the system for None. Tests use it to move time.
    """
    global _clock
    _clock = clock or _system_clock


def _completed(text: str) -> str:
    """Return the URL with MySQL's utf8mb4 and with timeouts, unless the operator has set them.

    MySQL's utf8 lacks characters of four bytes.
    """
    url = make_url(text)
    kind = url.get_backend_name()
    if kind in ('mysql', 'mariadb') and url.query.get('charset') in (None, 'utf8', 'utf8mb3'):
        url = url.update_query_dict({'charset': 'utf8mb4'})
    limits = _LIMITS.get(kind, lambda _seconds: {})(CONF.database_answer_timeout)
    url = url.update_query_dict({
        name: value
        for name, value in limits.items()
        if name not in url.query
    })
    return url.render_as_string(hide_password=False)


def _mysql_limits(seconds: int) -> dict[str, str]:
    return {'read_timeout': str(seconds), 'write_timeout': str(seconds)} if seconds else {}


def _postgresql_limits(seconds: int) -> dict[str, str]:
    # The client library has no timeout for responses. TCP must acknowledge sent data in time, and
    # keepalives detect a dead server.
    if not seconds:
        return {}
    return {
        'tcp_user_timeout': str(seconds * 1000),
        'keepalives': '1',
        'keepalives_idle': str(max(1, seconds // 2)),
        'keepalives_interval': str(max(1, seconds // 6)),
        'keepalives_count': '3'
    }


#: kind of database -> parameters of its client for the seconds that an answer may take
_LIMITS: dict[str, Callable[[int], dict[str, str]]] = {
    'mysql': _mysql_limits, 'mariadb': _mysql_limits, 'postgresql': _postgresql_limits}


def _read_engine(url: str) -> Engine:
    arguments: dict[str, Any] = {}
    if make_url(url).get_backend_name() != 'sqlite':
        # A pool without overflow: overflow connections are closed after each use, which costs more
        # than waiting.
        arguments = {
            'pool_size': CONF.database.max_pool_size or 5,
            'max_overflow': 0,
            'pool_timeout': CONF.database.pool_timeout,
            'pool_recycle': CONF.database.connection_recycle_time,
            'pool_reset_on_return': None,
            'skip_autocommit_rollback': True
        }
    engine = create_engine(url, isolation_level='AUTOCOMMIT', **arguments)
    exc_filters.register_engine(engine)
    return engine


def _write_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() == 'sqlite':
        return _sqlite_engine(url)
    context = enginefacade.transaction_context()
    options: dict[str, Any] = {'max_overflow': 0}
    for name in ('max_pool_size', 'connection_recycle_time', 'max_retries', 'retry_interval',
                 'pool_timeout'):
        options[name] = CONF.database[name]
    context.configure(connection=url, mysql_sql_mode='TRADITIONAL', **options)
    made = context.writer.get_engine()
    _spare_round_trips(made)
    return made


def _spare_round_trips(engine: Engine) -> None:
    """Ping only idle connections, and skip the rollback after a commit.

    oslo.db pings before each transaction and the pool rolls back after it: two of the four round
    trips of a transaction with one statement. :func:`write` retries on a dead connection.
    """
    pool: Any = engine.pool
    pool._pre_ping = False
    pool._reset_on_return = reset_none

    @event.listens_for(engine, 'checkin')
    def _used(_connection: Any, record: Any) -> None:
        record.info['used'] = time.monotonic()

    @event.listens_for(engine, 'checkout')
    def _ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get('used', time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as failure:
            raise exc.DisconnectionError(str(failure)) from failure


def _sqlite_engine(url: str) -> Engine:
    """Return an engine for SQLite with foreign keys, in which BEGIN waits for the write lock.
    """
    engine = create_engine(url)
    exc_filters.register_engine(engine)

    @event.listens_for(engine, 'connect')
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute('PRAGMA busy_timeout = 20000')
        connection.execute('PRAGMA foreign_keys = ON')
        # SQLite is used in tests only, which need not survive a power cut.
        connection.execute('PRAGMA synchronous = OFF')

    @event.listens_for(engine, 'begin')
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql('BEGIN IMMEDIATE')

    return engine


def engine(kind: str = 'write') -> Engine:
    """Return the engine of this process; it is created at the first use, so after any fork.

    :param kind: ``read`` (autocommit) or ``write``.
    """
    key = f'{kind} {CONF.database.connection}'
    with _lock:
        if key not in _engines:
            make = _read_engine if kind == 'read' else _write_engine
            _engines[key] = make(_completed(CONF.database.connection))
        return _engines[key]


def dispose() -> None:
    """Close all connections and drop the engines; the next use creates new ones."""
    with _lock:
        for known in _engines.values():
            known.dispose()
        _engines.clear()


def forget() -> None:
    """Drop the engines without closing their connections, which after a fork are the parent's."""
    with _lock:
        _engines.clear()


@contextlib.contextmanager
def reader() -> Iterator[Connection]:
    """Return a context with an autocommit connection."""
    with refusals.translated():
        connection = engine('read').connect()
        try:
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def writer() -> Iterator[Connection]:
    """Return a context with a connection in one transaction: committed at the end of the block,
    rolled back if the block raises.
    """
    with refusals.translated(), engine('write').begin() as connection:
        yield connection


def read(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call ``function(connection, ...)`` on a reader; retry once on a dead connection.
    """
    try:
        with reader() as connection:
            return function(connection, *args, **kwargs)
    except refusals.DatabaseRefused:
        raise
    except db_exception.DBConnectionError:
        with reader() as connection:
            return function(connection, *args, **kwargs)


class _DryRun(Exception):
    """Exception that rolls back the transaction of a dry run."""


def dry_run(function: Any, *args: Any, **kwargs: Any) -> None:
    """Call ``function(connection, ...)`` as :func:`write` does, and roll its writes back.

    Every check that :func:`write` would fail, fails here too.
    """
    def run_and_roll_back(connection: Connection) -> None:
        function(connection, *args, **kwargs)
        raise _DryRun

    try:
        write(run_and_roll_back)
    except _DryRun:
        return


def write(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call ``function(connection, ...)`` in one transaction.

    A deadlock victim is called again, and so is once a transaction on a dead connection. A
    connection that died during the commit is not retried, because the outcome is unknown.
    """
    reconnected = False
    for attempt in range(_DEADLOCKS):
        begun, is_committing = time.monotonic(), False
        try:
            with writer() as connection:
                found = function(connection, *args, **kwargs)
                is_committing = True
            return found
        except db_exception.DBDeadlock:
            if attempt == _DEADLOCKS - 1:
                raise
        except refusals.DatabaseRefused:
            raise
        except db_exception.DBConnectionError:
            # A slow failure means that the database does not respond; a retry would not help.
            if reconnected or is_committing or time.monotonic() - begun > _IDLE_SECONDS:
                raise
            reconnected = True
