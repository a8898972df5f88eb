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

"""Types of rows, compared with the columns of their statements."""

import pytest

from trove.db import instances, rows, tables


@pytest.mark.parametrize(('row', 'table'), [(rows.OperationRow, 'operations'),
                                            (rows.OperationStepRow, 'operation_steps'),
                                            (rows.EventRow, 'events')])
def test_rows_of_tables(row, table):
    assert list(row.__annotations__) == [
        column.name for column in tables.metadata.tables[table].c]


def test_rows_of_instances():
    assert list(rows.InstanceRow.__annotations__) == list(instances.COLUMNS)
    selected = [column.name for column in instances._ONE.selected_columns]
    assert selected == [*instances.COLUMNS, *rows.FullInstanceRow.__annotations__]
