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

"""Records of the cloud: kept in memory, written through to SQLite, changed in transactions.

A record is a flat JSON document with an ``id``, stored under its kind (``server``, ``port`` ...).
One lock serialises transactions, so a handler may check first and act then. Records are returned
as shallow copies: replace a member's value, never modify a list or dictionary in place. The
database contains user data of machines with its secrets, so only the file's owner may read it.
"""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id))
"""


class Transaction:
    """Reads and changes that are committed together or not at all."""

    def __init__(self, tables: dict[str, dict[str, Record]]):
        self._tables = tables
        #: (kind, id) -> the record before this transaction, None if it did not exist.
        self.touched: dict[tuple[str, str], Record | None] = {}

    def get(self, kind: str, id: str | None) -> Record | None:
        """Return a copy of the record, or None."""
        record = self._tables.get(kind, {}).get(id)
        return None if record is None else dict(record)

    def list(self, kind: str, **equal: Any) -> list[Record]:
        """Return copies of the records with members equal to the given ones, oldest first."""
        return [dict(record) for record in self._tables.get(kind, {}).values()
                if all(record.get(name) == value for name, value in equal.items())]

    def put(self, kind: str, record: Record) -> Record:
        """Store the record, new or as a replacement, and return it."""
        table = self._tables.setdefault(kind, {})
        self.touched.setdefault((kind, record['id']), table.get(record['id']))
        table[record['id']] = dict(record)
        return record

    def update(self, kind: str, id: str, **changes: Any) -> Record:
        """Change members of an existing record and return a copy; raise KeyError if it is missing.
        """
        return dict(self.put(kind, {**self._tables[kind][id], **changes}))

    def remove(self, kind: str, id: str) -> None:
        """Remove the record if it exists."""
        record = self._tables.get(kind, {}).pop(id, None)
        if record is not None:
            self.touched.setdefault((kind, id), record)

    def count(self, name: str) -> int:
        """Return the next number of a named, persistent counter."""
        number = (self.get('counter', name) or {'value': 0})['value'] + 1
        self.put('counter', {'id': name, 'value': number})
        return number


class State:
    """All records of one cloud. ``path`` None keeps them in memory only."""

    def __init__(self, path: str | None = None):
        self._lock = threading.RLock()
        self._tables: dict[str, dict[str, Record]] = {}
        self._current: Transaction | None = None
        self._database = self._open(path) if path else None

    def _open(self, path: str) -> sqlite3.Connection:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        database.execute('PRAGMA journal_mode=WAL')
        database.execute('PRAGMA synchronous=NORMAL')
        database.execute(_SCHEMA)
        for kind, id, body in database.execute(
                'SELECT kind, id, body FROM records ORDER BY place'):
            self._tables.setdefault(kind, {})[id] = json.loads(body)
        return database

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction: committed at the block's end, rolled back when the block raises.

        A nested transaction of the same thread is part of the outer one.
        """
        with self._lock:
            if self._current is not None:
                yield self._current
                return
            self._current = current = Transaction(self._tables)
            try:
                yield current
                self._write(current)
            except BaseException:
                self._undo(current)
                raise
            finally:
                self._current = None

    def _write(self, current: Transaction) -> None:
        if self._database is None or not current.touched:
            return
        self._database.execute('BEGIN')
        try:
            for kind, id in current.touched:
                record = self._tables[kind].get(id)
                if record is None:
                    self._database.execute(
                        'DELETE FROM records WHERE kind = ? AND id = ?', (kind, id))
                else:
                    self._database.execute(
                        'INSERT INTO records (kind, id, body) VALUES (?, ?, ?) '
                        'ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
                        (kind, id, json.dumps(record)))
            self._database.execute('COMMIT')
        except BaseException:
            self._database.execute('ROLLBACK')
            raise

    def _undo(self, current: Transaction) -> None:
        for (kind, id), before in current.touched.items():
            if before is None:
                self._tables[kind].pop(id, None)
            else:
                self._tables[kind][id] = before

    def close(self) -> None:
        """Close the database file; the state is not usable afterwards."""
        with self._lock:
            if self._database is not None:
                self._database.close()
