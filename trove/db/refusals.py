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

"""Errors of a database that is up but cannot serve now."""

import contextlib
from collections.abc import Iterator

from oslo_db import exception as db_exception
from sqlalchemy import exc

#: Numbers of MySQL and MariaDB: too many connections (of the server, of the account), disk or table
#: full, read-only, shutting down.
_MYSQL_REFUSALS = frozenset((1040, 1203, 1226, 1021, 1114, 1290, 1792, 1836, 1053))
#: SQLSTATEs of PostgreSQL beside class 53 (insufficient resources): shutting down, crashed,
#: starting, read-only.
_POSTGRESQL_REFUSALS = frozenset(('57P01', '57P02', '57P03', '25006'))


class DatabaseRefused(db_exception.DBConnectionError):
    """Refusal by a database that cannot serve now; handled like a lost connection."""


def is_refusal(error: Exception) -> bool:
    """Return whether the server lacks connections or space, is read-only or shuts down.

    :param error: of SQLAlchemy, or of oslo.db, which converts some of them.
    """
    inner = getattr(error, 'inner_exception', None) or error
    original = getattr(inner, 'orig', None) or inner
    state = getattr(original, 'pgcode', None) or ''
    if state[:2] == '53' or state in _POSTGRESQL_REFUSALS:
        return True
    arguments = getattr(original, 'args', ())
    if arguments and arguments[0] in _MYSQL_REFUSALS:
        return True
    # psycopg2 has no code for a refusal of the connection itself.
    return 'too many clients' in str(original) or 'remaining connection slots' in str(original)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise refusals of the database, and a pool that is used up, as :class:`DatabaseRefused`."""
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseRefused(error) from error
    except DatabaseRefused:
        raise
    except (exc.DBAPIError, db_exception.DBError) as error:
        if is_refusal(error):
            raise DatabaseRefused(error) from error
        raise
