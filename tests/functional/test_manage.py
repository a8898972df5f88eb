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

"""Commands of trove-manage and trove-status, on a database of the test."""

import json
import os
import sys
import tempfile
import traceback

import pytest
from oslo_config import cfg

from trove.cmd import manage, status
from trove.common.rpc import keys
from trove.db import instances, modules, session

CONF = cfg.CONF

OLD_SECRET = 'the secret of last year: 0123456789abcdef'
NEW_SECRET = 'the secret of this year: fedcba9876543210'


class Operator:
    def __init__(self, directory):
        self.path = directory / 'trove.conf'
        self.connection = f'sqlite:///{directory / "trove.sqlite"}'
        self.configure(inst_rpc_key_encr_key=NEW_SECRET)

    def configure(self, **options):
        lines = ['[DEFAULT]', *(f'{name} = {value}' for name, value in options.items()),
                 '[database]', f'connection = {self.connection}']
        self.path.write_text('\n'.join(lines))

    def run(self, *command, main=manage.main, program='trove-manage', status=0):
        """Run a program in a forked child, which spares it the slow imports."""
        with tempfile.TemporaryFile('w+') as output:
            child = os.fork()
            if child == 0:
                self._become(program, command, output)
                os._exit(self._status_of(main, output))
            found = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            text = output.read()
        assert found == status, text
        return text

    def _become(self, program, command, output):
        session.forget()
        CONF.reset()
        sys.argv = [program, '--config-file', str(self.path), *command]
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        sys.stdout = sys.stderr = os.fdopen(1, 'w', closefd=False)

    @staticmethod
    def _status_of(main, output):
        status = 0
        try:
            main()
        except SystemExit as exit:
            status = exit.code or 0
            if isinstance(status, str):
                print(status)
                status = 1
        except BaseException:
            traceback.print_exc()
            status = 99
        sys.stdout.flush()
        return status


@pytest.fixture(scope='module')
def operator(tmp_path_factory):
    made = Operator(tmp_path_factory.mktemp('operator'))
    assert 'from nothing to' in made.run('db_sync')
    made.run('datastore_version_update', 'mariadb', '10.11', 'mariadb',
             '11111111-1111-4111-8111-111111111111', '', '1')
    return made


def test_sync_twice_is_sync_once(operator):
    assert 'The schema is at' in operator.run('db_sync')
    assert operator.run('db_version').startswith('t0')


def test_datastore_and_version(operator):
    assert 'default version 10.11' in operator.run('datastore_update', 'mariadb', '10.11')
    assert 'has no version 10.5' in operator.run('datastore_update', 'mariadb', '10.5', status=1)
    assert 'not one of' in operator.run('datastore_version_update', 'x', '1', 'oracle', 'i', '',
                                        '1', status=1)
    assert '--image-tags' in operator.run('datastore_version_update', 'x', '1', 'mariadb', '', '',
                                          '1', status=1)
    assert 'must be 1 or 0' in operator.run('datastore_version_update', 'x', '1', 'mariadb', 'i',
                                            '', 'maybe', status=1)


@pytest.mark.parametrize('key', ['flavor', 'volume_type'])
def test_what_a_version_is_restricted_to(operator, key):
    of = ('mariadb', '10.11')
    assert 'Not restricted' in operator.run(f'datastore_version_{key}_list', *of)
    assert 'Added: a, b.' in operator.run(f'datastore_version_{key}_add', *of, 'a,b')
    operator.run(f'datastore_version_{key}_delete', *of, 'a')
    assert operator.run(f'datastore_version_{key}_list', *of).split() == ['b']
    assert 'is not restricted to c' in operator.run(f'datastore_version_{key}_delete', *of, 'c',
                                                    status=1)


def test_parameter_rules(operator, tmp_path):
    path = tmp_path / 'rules.json'
    path.write_text(
        json.dumps({
            'configuration-parameters': [{
                'name': 'max_connections',
                'type': 'integer',
                'restart_required': False,
                'min': 1,
                'max': 100000
            }]
        }))
    of = ('mariadb', '10.11')
    assert 'has 1 parameters' in operator.run('db_load_datastore_config_parameters', *of, str(path))
    path.write_text(json.dumps({'configuration-parameters': [{'name': 'x', 'type': 'list'}]}))
    assert "rule 'x' needs" in operator.run('db_load_datastore_config_parameters', *of, str(path),
                                            status=1)
    path.write_text('not json')
    assert 'is no file of parameter rules' in operator.run('db_load_datastore_config_parameters',
                                                           *of, str(path), status=1)
    assert 'has no parameters' in operator.run('db_remove_datastore_config_parameters', *of)


def test_keys_go_from_one_secret_to_the_next(operator, conf, clock):
    instance_id, key = '6e3f0a52-6cbb-4f0f-9e6b-0d4b7b6d3a11', keys.new_instance_key()
    conf.set_override('connection', operator.connection, 'database')
    row = {'id': instance_id, 'name': 'a', 'tenant_id': 'p', 'flavor_id': 'f', 'ram': 1, 'vcpus': 1,
           'server_id_number': 1, 'encrypted_key': keys.KeyRing(OLD_SECRET).seal(instance_id, key)}
    module_id = '6e3f0a52-6cbb-4f0f-9e6b-0d4b7b6d3a22'
    module = {
        'id': module_id,
        'name': 'm',
        'type': 'ping',
        'md5': 32 * 'a',
        'tenant_id': None,
        'datastore_id': None,
        'datastore_version_id': None,
        'contents': keys.KeyRing(OLD_SECRET).seal(module_id, b'message=hi')
    }
    try:
        session.write(instances.create, row, clock())
        session.write(modules.create, module, clock())
        operator.configure(inst_rpc_key_encr_key=NEW_SECRET, inst_rpc_key_encr_old_keys=OLD_SECRET)
        assert 'Resealed 1 keys and the contents of 1 modules' in operator.run(
            'rotate_instance_keys')
        assert 'Resealed 0 keys and the contents of 0 modules' in operator.run(
            'rotate_instance_keys')
        assert keys.KeyRing(NEW_SECRET).open(module_id, session.read(modules.contents,
                                                                     module_id)) == b'message=hi'
        sealed = session.read(instances.get, instance_id).encrypted_key
    finally:
        session.dispose()
        operator.configure(inst_rpc_key_encr_key=NEW_SECRET)
    assert keys.KeyRing(NEW_SECRET).open(instance_id, sealed) == key


def test_upgrade_check_asks_real_questions(operator):
    answer = operator.run('upgrade', 'check', main=status.main, program='trove-status')
    assert answer.count('Success') == 7, answer
    operator.configure(inst_rpc_key_encr_key='short')
    try:
        answer = operator.run('upgrade', 'check', main=status.main, program='trove-status',
                              status=2)
        assert 'has only 5 characters' in answer
        operator.configure(inst_rpc_key_encr_key=NEW_SECRET, agent_heartbeat_expiry=60)
        assert 'less than three times' in operator.run('upgrade', 'check', main=status.main,
                                                       program='trove-status', status=1)
    finally:
        operator.configure(inst_rpc_key_encr_key=NEW_SECRET)


def test_upgrade_check_sees_old_agents_and_keys_under_a_former_secret(operator, conf, clock):
    instance_id = '7e3f0a52-6cbb-4f0f-9e6b-0d4b7b6d3a12'
    conf.set_override('connection', operator.connection, 'database')
    row = {
        'id': instance_id,
        'name': 'a',
        'tenant_id': 'p',
        'flavor_id': 'f',
        'ram': 1,
        'vcpus': 1,
        'server_id_number': 1,
        'encrypted_key': keys.KeyRing(OLD_SECRET).seal(instance_id, keys.new_instance_key())
    }
    try:
        session.write(instances.create, row, clock())
        answer = operator.run('upgrade', 'check', main=status.main, program='trove-status',
                              status=1)
        output = ' '.join(answer.replace('|', ' ').split())
        assert '1 instance keys and modules are sealed under a former secret' in output
        session.write(instances.change, instance_id, clock(), encrypted_key=None)
    finally:
        session.dispose()


@pytest.mark.parametrize(('text', 'number'), [('22.0.1', 22), ('0.0.0', 0), ('nonsense', 0)])
def test_the_release_of_a_version(text, number):
    assert status.major(text) == number


def test_commands_that_clean_up(operator):
    assert 'Nothing to purge' in operator.run('purge', '--older-than', '30')
    assert 'Deleted rows to purge' in operator.run('purge', '--dry-run')
    operator.run('quota_recount', '--dry-run')
    assert 'must be a number' in operator.run('purge', '--older-than', 'never', status=1)


def test_the_contract_for_programs(operator):
    text = operator.run('openapi')
    # Warnings of libraries may come first.
    document = json.loads(text[text.index('{'):])
    assert document['openapi'].startswith('3.1.')
    assert '/v1.0/{project_id}/instances/{instance_id}' in document['paths']
