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


"""Variables of a running MySQL."""

from collections.abc import Collection

from trove.guestagent.datastore.mysql_common import statements
from trove.guestagent.datastore.mysql_common.connection import Session
from trove.guestagent.datastore.mysql_common.runtime import Variable

#: Source of a value that a statement set.
BY_STATEMENT = 'DYNAMIC'
#: Types of variables in performance_schema -> those of MariaDB's information_schema.
_KINDS = {
    'BOOLEAN': 'BOOLEAN',
    'INTEGER': 'BIGINT',
    'NUMERIC': 'DOUBLE',
    'STRING': 'VARCHAR',
    'ENUMERATION': 'ENUM',
    'SET': 'SET'
}


def look(sql: Session, names: Collection[str], *, origin: str | None = None) -> dict[str, Variable]:
    """Return the named variables that exist, only those of an origin if it is given.

    The server reports read-only variables when they are set.
    """
    if not names:
        return {}
    text = (
        'SELECT LOWER(v.VARIABLE_NAME), m.DATA_TYPE, v.VARIABLE_VALUE '
        'FROM performance_schema.global_variables v '
        'JOIN performance_schema.variables_metadata m ON m.VARIABLE_NAME = v.VARIABLE_NAME '
        'JOIN performance_schema.variables_info i ON i.VARIABLE_NAME = v.VARIABLE_NAME '
        f'WHERE v.VARIABLE_NAME IN ({statements.literals(sorted(names))})')
    if origin is not None:
        text += f' AND i.VARIABLE_SOURCE = {statements.literal(origin)}'
    return {
        name: Variable(_KINDS[kind.upper()], False, value)
        for name, kind, value in sql.rows(text)
    }
