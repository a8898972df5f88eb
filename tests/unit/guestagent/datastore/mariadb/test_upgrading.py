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

"""Which data of MariaDB may go over to which version."""

import pytest

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mariadb import upgrading


@pytest.mark.parametrize('wanted', ['10.11', '10.11.6', '10.11.7', '11', '11.4', 'lts'])
def test_forward_and_staying(wanted):
    upgrading.check('10.11.6-MariaDB-log', wanted, [])


@pytest.mark.parametrize('wanted', ['10', '10.6', '10.11.5', '5.5'])
def test_not_back(wanted):
    if wanted == '10':
        upgrading.check('10.11.6-MariaDB-log', wanted, [])  # any of series 10
        return
    with pytest.raises(EngineError) as refused:
        upgrading.check('10.11.6-MariaDB-log', wanted, [])
    assert refused.value.code == 'guest_upgrade_refused' and wanted in refused.value.message


def test_prepared_transactions_only_survive_within_a_series():
    upgrading.check('10.11.6-MariaDB', '10.11.7', ['a'])
    with pytest.raises(EngineError, match='2 prepared'):
        upgrading.check('10.11.6-MariaDB', '11.4', ['a', 'b'])
