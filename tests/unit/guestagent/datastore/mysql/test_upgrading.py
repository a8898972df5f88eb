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

"""Allowed upgrades between versions of MySQL."""

import pytest

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mysql import upgrading


@pytest.mark.parametrize(('running', 'target'), [('8.0.46', '8.0'), ('8.0.46', '8.0.47'),
                                                 ('8.0.46', '8.4'), ('8.4.7', '9.7'),
                                                 ('8.4.7', '9.2.0'), ('9.2.0', '9.7'),
                                                 ('9.7.4-2', '9.7'), ('9.7.4', 'lts'),
                                                 ('9.7.4', '10.1')])
def test_forward_and_staying(running, target):
    upgrading.check(running, target, [])


@pytest.mark.parametrize(('running', 'target'), [('8.4.7', '8.0'), ('9.7.4', '9.7.3'),
                                                 ('9.7.4', '8.4')])
def test_not_back(running, target):
    with pytest.raises(EngineError, match='cannot read') as refused:
        upgrading.check(running, target, [])
    assert refused.value.code == 'guest_upgrade_refused' and target in refused.value.message


@pytest.mark.parametrize(('running', 'target', 'between'), [
    ('8.0.46', '9.7', '8.4'), ('5.7.44', '8.4', '8.0'), ('8.4.7', '10.1', '9.7')])
def test_no_series_is_skipped(running, target, between):
    with pytest.raises(EngineError, match=f'only after {between}') as refused:
        upgrading.check(running, target, [])
    assert refused.value.code == 'guest_upgrade_refused'


def test_prepared_transactions_only_survive_within_a_series():
    upgrading.check('8.4.7', '8.4.8', ['a'])
    with pytest.raises(EngineError, match='2 XA transactions'):
        upgrading.check('8.4.7', '9.7', ['a', 'b'])
