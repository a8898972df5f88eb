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

"""Schema migrations: bring a database to the newest schema, and tell how far it is.

Migrations only add within a release, so that services of the release before can go on working while one upgrades.
"""

from pathlib import Path

from alembic import command
from alembic import config as alembic_config
from alembic import script
from alembic.runtime import migration
from sqlalchemy import Connection, inspect

from trove.db import session

#: Revisions of the schema that this service takes the place of; its databases are imported, not upgraded in place.
FOREIGN_REVISIONS = frozenset({
    '906cffda7b29', '5c68b4fb3cd1', 'cee1bcba3541', '7ee6154548a6', 'f90016d7baf8', '95418fe2a1c8'
})


class SchemaError(Exception):
    """The database cannot be brought to our schema; the text says what to do."""


def _config(connection: Connection | None = None) -> alembic_config.Config:
    config = alembic_config.Config()
    config.set_main_option('script_location', str(Path(__file__).parent / 'migrations'))
    config.attributes['connection'] = connection
    return config


def head() -> str:
    """The newest revision this release knows."""
    return script.ScriptDirectory.from_config(_config()).get_current_head() or ''


def current(connection: Connection) -> str | None:
    """The revision of the database; None when it has no schema yet."""
    return migration.MigrationContext.configure(connection).get_current_revision()


def sync(version: str | None = None) -> tuple[str | None, str]:
    """Bring the database to ``version``, by default the newest.

    :returns: the revision before and after.
    :raises SchemaError: when it holds something that is not ours.
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
            'The database holds the tables of another release line. Point [database] connection to an '
            'empty database; the data of the other one is imported, not changed in place.')
