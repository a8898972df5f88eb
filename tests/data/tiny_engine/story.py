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

"""Tests of the service with the engine of this directory.

They run in a copy of the repository with this engine; see tests/functional/test_another_engine.py.
"""

import pathlib
import subprocess

import pytest

from tests.functional.api.edge import IMAGE_ID, Edge
from tests.functional.simulated_guest import SimulatedGuest
from tests.functional.test_manage import Operator
from tests.functional.world import VERSION_ID, World
from trove.common import engines
from trove.db import datastores, session
from trove.guestagent import dbaas

TINY_ID = 'a1b2c3d4-0000-4000-8000-00000000714e'
INSTANCE_ID = 'a1b2c3d4-0000-4000-8000-00000000714f'
WORDS = [{'name': 'words', 'data_type': 'integer', 'restart_required': False,
          'max_size': '1000000', 'min_size': '1'}]


def register(image_id):
    with session.writer() as connection:
        datastore_id = datastores.ensure_datastore(connection, 'tiny')
        connection.execute(datastores.VERSIONS.insert().values(
            id=TINY_ID, datastore_id=datastore_id, name='1.0', version='1.0', manager='tiny',
            image_id=image_id, image_tags='', active=True, registry_ext='', repl_strategy=''))
        datastores.set_default_version(connection, datastore_id, TINY_ID)
        datastores.replace_parameters(connection, TINY_ID, WORDS)


def test_an_operator_registers_it(tmp_path):
    operator = Operator(tmp_path)
    operator.run('db_sync')
    operator.run('datastore_version_update', 'tiny', '1.0', 'tiny', IMAGE_ID, '', '1')
    operator.run('datastore_update', 'tiny', '1.0')
    output = operator.run('db_load_datastore_config_parameters', 'tiny', '1.0',
                          str(engines.TEMPLATES / 'tiny' / 'validation-rules.json'))
    assert 'Traceback' not in output


def test_operators_have_options_of_it(conf):
    assert conf.tiny.mount_point == '/var/lib/tiny' and conf.tiny.tcp_ports == ['4242']


def becomes_tiny(guest):
    """Install the engine and the directory of its package, as its image does."""
    guest.engine = dbaas.engine_for('tiny')
    directory = guest.machine.path(guest.engine.description.configuration_directory)
    pathlib.Path(directory).mkdir(parents=True)


@pytest.fixture
def world(conf, database, clock, tmp_path):
    made = World(conf, clock, tmp_path)
    made.machines.prepare = becomes_tiny
    register(made.cloud.named('image', 'guest')['id'])
    # All instances of the world have this version.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('tests.functional.world.VERSION_ID', TINY_ID)
        yield made
    made.close()


def test_an_instance_lives(world):
    assert VERSION_ID != TINY_ID
    made = world.create(users=[{'name': 'clerk', 'password': 'secret', 'host': '%',
                                'databases': []}])
    world.settle()
    assert world.status(made) == 'ACTIVE', world.journal()
    guest = world.guest(made)
    assert guest.engine.user_names() == [('clerk', '%')]
    assert guest.engine.description.manager == 'tiny'

    group = world.group(words=77)
    world.attach(made, group)
    world.settle()
    assert guest.engine.running == {'words': '77'}
    world.detach(made)
    world.settle()
    assert guest.engine.running['words'] == '10240', 'the value of the template again'

    world.restart(made)
    world.settle()
    world.resize_volume(made, 3)
    world.settle()
    assert world.status(made) == 'ACTIVE', world.journal()
    world.delete(made)
    world.settle()
    assert world.status(made) == '404'


def test_the_api_refuses_what_it_cannot_do(conf, database, tmp_path):
    edge = Edge(conf, tmp_path)
    try:
        register(IMAGE_ID)
        key = edge.instance(INSTANCE_ID, name='words', datastore_version_id=TINY_ID)
        with pytest.MonkeyPatch.context() as patch:
            start = SimulatedGuest.start
            patch.setattr(SimulatedGuest, 'start',
                          lambda guest: (becomes_tiny(guest), start(guest)))
            edge.guest(INSTANCE_ID, key)
        for method, path, body in (('GET', '/databases', None), ('POST', '/root', None),
                                   ('POST', '/databases', {'databases': [{'name': 'shop'}]}),
                                   ('GET', '/users/clerk/databases', None)):
            answer = edge.ask(method, f'/instances/{INSTANCE_ID}{path}', body)
            assert answer.status_int == 422, answer.text
            assert 'not supported for datastore tiny' in answer.text
        users = f'/instances/{INSTANCE_ID}/users'
        answer = edge.ask('POST', users, {'users': [{'name': 'clerk', 'password': 'secret'}]})
        assert answer.status_int == 202, answer.text
        assert edge.ask('GET', users).json['users'] == [
            {'name': 'clerk', 'host': '%', 'databases': []}]
        answer = edge.ask('POST', users, {'users': [{'name': 'far too long', 'password': 's'}]})
        assert answer.status_int == 400
    finally:
        edge.close()


def test_configuration_groups_are_checked_by_its_rules(conf, database, tmp_path):
    edge = Edge(conf, tmp_path)
    try:
        register(IMAGE_ID)
        body = {'configuration': {'name': 'some', 'datastore': {'type': 'tiny', 'version': '1.0'},
                                  'values': {'words': 5}}}
        assert edge.ask('POST', '/configurations', body).status_int == 200
        body['configuration']['values'] = {'words': 0}
        assert edge.ask('POST', '/configurations', body).status_int == 422
    finally:
        edge.close()


def test_its_image_can_be_built_and_has_the_engine():
    usage = subprocess.run(['image/build', '--help'], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    assert 'tiny-1.0' in usage.split('Datastore versions:')[1]
    listed = subprocess.run(
        ['python3', 'image/common/manifest.py', 'image/common/agent-manifest'], check=True,
        text=True, stdout=subprocess.PIPE).stdout
    assert 'trove/guestagent/datastore/tiny/engine.py' in listed
