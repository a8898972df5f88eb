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

"""Schema migrations: upgrade a database, and read its revision.

Migrations within a release only add, so that services of the previous release keep working during
an upgrade.
"""

from pathlib import Path

from alembic import command
from alembic import config as alembic_config
from alembic import script
from alembic.runtime import migration
from sqlalchemy import Connection, inspect

from trove.db import session

#: Revisions of the replaced release line. Its databases are imported, not upgraded in place.
FOREIGN_REVISIONS = frozenset({
    '906cffda7b29', '5c68b4fb3cd1', 'cee1bcba3541', '7ee6154548a6', 'f90016d7baf8', '95418fe2a1c8'
})


class SchemaError(Exception):
    """Database that cannot be upgraded; the message names the remedy."""


def _config(connection: Connection | None = None) -> alembic_config.Config:
    config = alembic_config.Config()
    config.set_main_option('script_location', str(Path(__file__).parent / 'migrations'))
    config.attributes['connection'] = connection
    return config


def head() -> str:
    """Return the newest revision of this release."""
    return script.ScriptDirectory.from_config(_config()).get_current_head() or ''


def current(connection: Connection) -> str | None:
    """Return the revision of the database; None if it has no schema."""
    return migration.MigrationContext.configure(connection).get_current_revision()


def sync(version: str | None = None) -> tuple[str | None, str]:
    """Upgrade the database to ``version``, by default the newest.

    :returns: the former and the new revision.
    :raises SchemaError: the database has the tables of another release line.
    """
    with session.engine().connect() as connection:
        before = current(connection)
        _refuse_foreign(connection, before)
        if connection.in_transaction():
            connection.rollback()
        command.upgrade(_config(connection), version or 'head')
        if connection.in_transaction():
            connection.commit()
        return before, current(connection) or ''


def _refuse_foreign(connection: Connection, revision: str | None) -> None:
    if revision in FOREIGN_REVISIONS or (revision is None
                                         and inspect(connection).has_table('instances')):
        raise SchemaError(
            'The database has the tables of another release line. Set [database] connection to an '
            'empty database; the data of the other database is imported, not upgraded in place.')
