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

"""Declarative base of all tables, and column types that differ between engines."""

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import DateTime, MetaData, String, Table, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

#: Fixed constraint names, which migrations use on every engine.
NAMING = {
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_N_name)s',
    'pk': 'pk_%(table_name)s',
}

#: UTC without zone, with microseconds: the journal sorts and measures steps by it.
Timestamp = DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')

#: Text of more than 64 KiB, on MySQL too.
LongText = Text().with_variant(mysql.MEDIUMTEXT(), 'mysql', 'mariadb')


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    if TYPE_CHECKING:
        # SQLAlchemy declares the base class only.
        __table__: ClassVar[Table]
    __table_args__: Any = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4'}


def with_defaults(*constraints: Any) -> tuple[Any, ...]:
    """Return ``__table_args__`` of a table with constraints or indexes of its own."""
    return (*constraints, Base.__table_args__)


def uuid_key(**kwargs: Any) -> MappedColumn[str]:
    """Return a primary key: a random UUID as text, set by the application."""
    return mapped_column(String(36), primary_key=True, **kwargs)
