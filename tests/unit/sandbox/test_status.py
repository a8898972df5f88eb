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

from control import status


def test_columns_are_as_wide_as_their_longest_cell():
    text = status.table([('a', 'long value'), ('longer', 'b')], ('ONE', 'TWO'))
    assert text.splitlines() == ['ONE     TWO', 'a       long value', 'longer  b']
