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
from oslo_config import cfg

from trove.cmd import guest
from trove.common import cfg as options
from trove.common.cfg import guest as guest_options
from trove.guestagent import dbaas
from trove.guestagent.datastore.engine import Engine, EngineError, reserved_database, reserved_user


@pytest.mark.parametrize('manager', dbaas.ENGINES)
def test_every_engine_is_found_under_its_own_name(manager):
    engine = dbaas.engine_for(manager)
    assert isinstance(engine, Engine) and engine.description.manager == manager
    assert engine.description.capabilities <= {'databases', 'users', 'grants', 'root'}


def test_an_unknown_manager_names_the_known_ones():
    with pytest.raises(dbaas.UnknownManager, match='mariadb'):
        dbaas.engine_for('nonsense')


@pytest.mark.parametrize('manager', dbaas.ENGINES)
def test_an_operator_keeps_more_names_from_tenants(manager):
    engine, another = dbaas.engine_for(manager), dbaas.engine_for(manager)
    own = engine.description
    dbaas.reserve(engine, ['Monitor'], ['Billing'])
    assert reserved_user(engine.description, 'MONITOR') and reserved_database(
        engine.description, 'billing')
    assert own.reserved_users <= engine.description.reserved_users, 'those of the service stay'
    assert not reserved_user(another.description, 'monitor'), 'other engines are what they were'
    if 'users' in own.capabilities:
        with pytest.raises(EngineError) as refused:
            engine.check_user('monitor', '%', 'secret')
        assert refused.value.code == 'guest_reserved_name'


def test_the_names_come_from_the_group_of_the_manager():
    conf = cfg.ConfigOpts()
    options.register(conf, options.GUEST_CONCERNS)
    conf([])
    conf.set_override('datastore_manager', 'mariadb')
    conf.register_opts(guest_options.RESERVED, group='mariadb')
    conf.set_override('ignore_users', ['monitor'], 'mariadb')
    conf.set_override('ignore_dbs', ['billing'], 'mariadb')
    described = guest.make_engine(conf).description
    assert {'monitor', 'root'} <= described.reserved_users and {'billing', 'mysql'
                                                                } <= described.reserved_databases
