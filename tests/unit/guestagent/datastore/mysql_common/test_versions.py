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

"""Numbers of versions, and allowed upgrades of the MySQL family."""

import pytest

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mysql_common import versions


@pytest.mark.parametrize(('version', 'found'), [('10.11.6-MariaDB-0+deb12u1-log', (10, 11, 6)),
                                                ('11.4', (11, 4)), ('11', (11,)), ('lts', ()),
                                                ('', ())])
def test_numbers(version, found):
    assert versions.numbers(version) == found


@pytest.mark.parametrize(('running', 'target', 'other'), [('10.11.6-MariaDB', '10.11.7', False),
                                                          ('10.11.6-MariaDB', '11.4', True),
                                                          ('10.6.1', '10.11', True),
                                                          ('10.11.6-MariaDB', 'lts', False)])
def test_only_another_series_needs_a_slow_shutdown(running, target, other):
    assert versions.is_other_series(running, target) is other


@pytest.mark.parametrize('target', ['10', '10.11', '10.11.6', '10.11.7', '11', '11.4', 'lts'])
def test_forward_and_staying(target):
    versions.check('MariaDB', '10.11.6-MariaDB-log', target, [])


@pytest.mark.parametrize('target', ['10.6', '10.11.5', '5.5'])
def test_not_back(target):
    with pytest.raises(EngineError) as refused:
        versions.check('MariaDB', '10.11.6-MariaDB-log', target, [])
    assert refused.value.code == 'guest_upgrade_refused'
    assert 'MariaDB 10.11.6' in refused.value.message and target in refused.value.message


def test_prepared_transactions_only_survive_within_a_series():
    versions.check('MariaDB', '10.11.6-MariaDB', '10.11.7', ['a'])
    with pytest.raises(EngineError, match='2 XA transactions'):
        versions.check('MariaDB', '10.11.6-MariaDB', '11.4', ['a', 'b'])
