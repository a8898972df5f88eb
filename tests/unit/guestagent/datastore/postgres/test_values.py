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
"""Two spellings of one value do not differ."""

import pytest

from trove.guestagent.datastore.postgres import values


@pytest.mark.parametrize('kind, unit, configured, running', [('integer', '8kB', '128MB', '16384'),
                                                             ('integer', '8kB', '16384', '16384'),
                                                             ('integer', 'kB', '4MB', '4096'),
                                                             ('integer', 'MB', '1GB', '1024'),
                                                             ('integer', 'ms', '250ms', '250'),
                                                             ('integer', 'ms', '1min', '60000'),
                                                             ('integer', 's', '5min', '300'),
                                                             ('integer', 'min', '1d', '1440'),
                                                             ('integer', None, '0x10', '16'),
                                                             ('integer', 'kB', '1.5MB', '1536'),
                                                             ('integer', 'B', '1kB', '1024'),
                                                             ('integer', None, '010', '8'),
                                                             ('integer', 'ms', '-1', '-1'),
                                                             ('real', None, '0.50', '0.5'),
                                                             ('real', None, '1e1', '10'),
                                                             ('real', 'ms', '2s', '2000'),
                                                             ('bool', None, 'yes', 'on'),
                                                             ('bool', None, 'OFF', 'off'),
                                                             ('bool', None, 'f', 'off'),
                                                             ('bool', None, '1', 'on'),
                                                             ('enum', None, 'REPLICA', 'replica'),
                                                             ('enum', None, 'true', 'on'),
                                                             ('string', None, 'UTC', 'UTC'),
                                                             ('integer', '8kB', '1001kB', '125')])
def test_same(kind, unit, configured, running):
    assert values.same(kind, unit, configured, running)


@pytest.mark.parametrize('kind, unit, configured, running', [('integer', '8kB', '128MB', '128'),
                                                             ('integer', None, '5', '6'),
                                                             ('integer', 'ms', '1MB', '1'),
                                                             ('bool', None, 'on', 'off'),
                                                             ('bool', None, 'o', 'on'),
                                                             ('bool', None, '', 'off'),
                                                             ('enum', None, 'local', 'remote'),
                                                             ('string', None, 'utc', 'UTC'),
                                                             ('integer', None, 'plenty', '1'),
                                                             ('integer', None, '1kB', '1024'),
                                                             ('real', None, '0.5', '0.51'),
                                                             ('integer', 'kB', '4mb', '4096')])
def test_not_the_same(kind, unit, configured, running):
    assert not values.same(kind, unit, configured, running)
