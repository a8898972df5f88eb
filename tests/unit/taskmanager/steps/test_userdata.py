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

"""Cloud-config of a guest."""

import base64
import random

from oslo_config import cfg
import pytest
import yaml

from trove.common import cfg as concerns
from trove.taskmanager.steps import userdata


def parsed(made: bytes) -> dict:
    assert made.startswith(b'#cloud-config\n')
    return yaml.safe_load(made)


def build(files, **options):
    return parsed(userdata.build(files, owner='root:root', **options))


def test_files_arrive_as_they_are_readable_by_their_owner_alone():
    content = 'größe\n'.encode() + bytes(range(256))
    [file] = build({'/etc/trove/x.conf': content})['write_files']
    assert base64.b64decode(file['content']) == content
    assert (file['path'], file['owner'], file['permissions'], file['encoding']) == (
        '/etc/trove/x.conf', 'root:root', '0600', 'b64')


def test_the_operators_files_come_after_ours_and_other_keys_are_the_operators():
    extra = 'write_files:\n- {path: /etc/motd, content: hi}\nruncmd: [date]\nssh_pwauth: false\n'
    document = build({'/a': b'1'}, extra=extra)
    assert [file['path'] for file in document['write_files']] == ['/a', '/etc/motd']
    assert document['runcmd'] == ['date']
    assert document['ssh_pwauth'] is False


@pytest.mark.parametrize('extra', ['', '#cloud-config\n', 'write_files:\n'])
def test_an_operators_file_may_be_empty(extra):
    assert [file['path'] for file in build({'/a': b'1'}, extra=extra)['write_files']] == ['/a']


@pytest.mark.parametrize('extra', ['- a list', 'a: [', 'write_files: {path: /x}', 'just text'])
def test_an_operators_file_that_is_not_a_cloud_config_is_refused(extra):
    with pytest.raises(userdata.UserDataError):
        userdata.build({'/a': b'1'}, owner='root:root', extra=extra)


def test_more_than_nova_accepts_is_refused():
    with pytest.raises(userdata.UserDataError, match='bytes'):
        userdata.build({'/a': random.Random(1).randbytes(40000)}, owner='root:root')


def test_options_are_read_back_by_oslo_config(tmp_path):
    file = tmp_path / 'guest_info.conf'
    file.write_bytes(userdata.ini({'DEFAULT': {'guest_id': 'a$b', 'boot_epoch': 2, 'absent': None},
                                   'guest_bus': {'transport_url': 'rabbit://u:p%24@h:5672/v'}}))
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('guest_id'), cfg.IntOpt('boot_epoch'), cfg.StrOpt('absent')])
    conf.register_opts([cfg.StrOpt('transport_url')], group='guest_bus')
    conf(['--config-file', str(file)])
    assert (conf.guest_id, conf.boot_epoch, conf.absent) == ('a$b', 2, None)
    assert conf.guest_bus.transport_url == 'rabbit://u:p%24@h:5672/v'


def test_a_value_cannot_smuggle_in_another_option():
    with pytest.raises(ValueError, match='tenant_id'):
        userdata.ini({'DEFAULT': {'tenant_id': 'x\nguest_id = other'}})


def test_the_paths_of_the_agents_files():
    conf = cfg.ConfigOpts()
    concerns.register(conf)
    conf([])
    assert set(userdata.guest_files(conf, info={'DEFAULT': {}}, agent_config=b'x')) == {
        '/etc/trove/conf.d/guest_info.conf', '/etc/trove/conf.d/trove-guestagent.conf'}
    conf.set_override('guest_info', '/srv/me.conf')
    assert set(userdata.guest_files(conf, info={'DEFAULT': {}},
                                    agent_config=None)) == {'/srv/me.conf'}
