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

"""What the numbers of versions tell."""

import pytest

from trove.guestagent.datastore.mysql_common import versions


@pytest.mark.parametrize(('version', 'found'), [
    ('10.11.6-MariaDB-0+deb12u1-log', (10, 11, 6)), ('11.4', (11, 4)), ('11', (11,)), ('lts', ()), ('', ())])
def test_numbers(version, found):
    assert versions.numbers(version) == found


@pytest.mark.parametrize(('running', 'wanted', 'other'), [
    ('10.11.6-MariaDB', '10.11.7', False), ('10.11.6-MariaDB', '11.4', True), ('10.6.1', '10.11', True),
    ('10.11.6-MariaDB', 'lts', False)])
def test_only_another_series_needs_a_slow_shutdown(running, wanted, other):
    assert versions.is_other_series(running, wanted) is other
