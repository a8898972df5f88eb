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

import pytest

from trove.guestagent import dbaas
from trove.guestagent.datastore.engine import Engine


@pytest.mark.parametrize('manager', dbaas.ENGINES)
def test_every_engine_is_found_under_its_own_name(manager):
    engine = dbaas.engine_for(manager)
    assert isinstance(engine, Engine) and engine.description.manager == manager
    assert engine.description.capabilities <= {'databases', 'users', 'grants', 'root'}


def test_an_unknown_manager_names_the_known_ones():
    with pytest.raises(dbaas.UnknownManager, match='mariadb'):
        dbaas.engine_for('nonsense')
