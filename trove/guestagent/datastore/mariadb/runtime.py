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

"""Variables of a running MariaDB."""

from collections.abc import Collection

from trove.guestagent.datastore.mysql_common import statements
from trove.guestagent.datastore.mysql_common.connection import Session
from trove.guestagent.datastore.mysql_common.runtime import Variable

#: Origin of a value that a statement set, the agent's own statements included.
BY_STATEMENT = 'SQL'


def look(sql: Session, names: Collection[str], *, origin: str | None = None) -> dict[str, Variable]:
    """Return the named variables that exist, only those of an origin if it is given."""
    if not names:
        return {}
    text = (
        'SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, READ_ONLY, GLOBAL_VALUE '
        'FROM information_schema.SYSTEM_VARIABLES '
        f'WHERE VARIABLE_NAME IN ({statements.literals(sorted(names))}) '
        'AND GLOBAL_VALUE IS NOT NULL'
    )
    if origin is not None:
        text += f' AND GLOBAL_VALUE_ORIGIN = {statements.literal(origin)}'
    return {
        name: Variable(kind, read_only == 'YES', value)
        for name, kind, read_only, value in sql.rows(text)
    }
