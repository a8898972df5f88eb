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

"""The commands of the sandbox: what they show, what they refuse, what they leave behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.e2e.sandbox import REPOSITORY, Sandbox

pytestmark = pytest.mark.e2e


@pytest.fixture
def another(sandbox, tmp_path_factory):
    """Settings of a second sandbox beside the running one, taken down afterwards."""
    directory = tmp_path_factory.mktemp('another')
    # pytest's directories are closed to others; RabbitMQ and MariaDB have users of their own.
    for parent in [directory, *directory.parents]:
        if parent.stat().st_uid == os.getuid() and str(parent).startswith('/tmp/'):
            parent.chmod(0o755)
    made = Sandbox({
        'TROVE_SANDBOX_DIR': str(directory / 'sandbox'),
        'TROVE_SANDBOX_PORT_BASE': str(sandbox.settings.port_base + 2000),
        'TROVE_SANDBOX_NET': '172.27',
        'TROVE_SANDBOX_VENV': str(sandbox.settings.venv)
    })
    yield made
    made.command('down', '--purge')


def test_status_shows_services_and_machines(sandbox):
    shown = sandbox.command('status')
    assert shown.returncode == 0, shown.stdout
    for service in ('rabbitmq', 'mariadb', 'keystone', 'swift', 'minicloud', 'trove-api',
                    'trove-taskmanager', 'trove-conductor'):
        assert re.search(rf'^{service} +running +\d+', shown.stdout, re.MULTILINE), shown.stdout
    assert re.search(r'^demo +ACTIVE', shown.stdout, re.MULTILINE)


def test_up_again_changes_nothing(sandbox):
    before = {process.pid for process in sandbox.processes()}
    again = sandbox.command('up')
    assert again.returncode == 0, again.stdout + again.stderr
    assert 'query over the network' in again.stdout
    assert {process.pid for process in sandbox.processes()} == before


@pytest.mark.parametrize(('user', 'command'), [('demo', 'database instance list'),
                                               ('demo', 'datastore list'),
                                               ('demo', 'database flavor list'),
                                               ('demo', 'network list'),
                                               ('admin', 'server list --all-projects'),
                                               ('admin', 'flavor list'), ('admin', 'port list'),
                                               ('admin', 'volume list --all-projects'),
                                               ('admin', 'image list'),
                                               ('admin', 'security group rule list'),
                                               ('admin', 'catalog list'), ('admin', 'user list')])
def test_the_client_works_with_openrc(sandbox, user, command):
    assert sandbox.openstack(*command.split(), user=user)


def test_openrc_refuses_a_user_there_is_not(sandbox):
    refused = sandbox.command('openrc', 'nobody')
    assert refused.returncode == 2 and 'unknown user nobody' in refused.stderr
    assert not refused.stdout


def test_secrets_are_for_root_alone(sandbox):
    for directory in (sandbox.settings.secrets, sandbox.settings.etc):
        secrets = [path for path in sandbox.settings.secrets.iterdir()]
        texts = [path.read_text() for path in secrets if path.stat().st_size < 200]
        for path in directory.rglob('*'):
            if path.is_file() and any(text in path.read_text(errors='replace') for text in texts):
                assert path.stat().st_mode & 0o077 == 0, f'{path} can be read by others'


def test_no_secret_stands_on_a_command_line_or_in_a_log(sandbox):
    secrets = [
        path.read_text() for path in sandbox.settings.secrets.iterdir() if path.stat().st_size < 200
    ]
    for process in sandbox.processes():
        try:
            line = open(f'/proc/{process.pid}/cmdline', encoding='utf-8', errors='replace').read()
        except OSError:
            continue
        assert not any(secret in line for secret in secrets), f'process {process.pid}'
    for log in sandbox.settings.logs.glob('*.log'):
        text = log.read_text(errors='replace')
        assert not any(secret in text for secret in secrets), log


def test_logs_of_one_service_and_of_none(sandbox):
    shown = sandbox.command('logs', 'trove-api')
    assert shown.returncode == 0 and 'GET /v1.0/' in shown.stdout
    assert 'there is no log of nothing' in sandbox.command('logs', 'nothing').stderr


def test_a_service_can_be_restarted(sandbox):
    before = sandbox.pid('trove-conductor')
    done = sandbox.command('restart', 'trove-conductor')
    assert done.returncode == 0, done.stderr
    assert sandbox.pid('trove-conductor') not in (None, before)


def test_only_root_may(tmp_path):
    # The repository itself may lie where others cannot even enter.
    for parent in (tmp_path, *tmp_path.parents):
        if str(parent).startswith('/tmp/'):
            parent.chmod(0o755)
    shutil.copytree(REPOSITORY / 'sandbox', tmp_path / 'sandbox',
                    ignore=shutil.ignore_patterns('minicloud'))
    done = subprocess.run([
        'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', tmp_path / 'sandbox' / 'up'
    ], text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 2 and 'must run as root' in done.stderr, done.stderr
    assert 'Traceback' not in done.stderr


def test_a_taken_port_is_refused_with_its_holder(another):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', another.settings.port('keystone')))
        taken.listen()
        refused = another.command('up')
    assert refused.returncode == 2
    assert re.search(rf'port {another.settings.port("keystone")}, meant for keystone, is in use by '
                     rf'process {os.getpid()} ', refused.stderr), refused.stderr
    assert another.left_behind() == []


def test_a_network_in_use_is_refused(sandbox, another):
    another.environment['TROVE_SANDBOX_NET'] = sandbox.settings.network
    refused = another.command('up')
    assert refused.returncode == 2 and 'TROVE_SANDBOX_NET' in refused.stderr


@pytest.mark.parametrize(('number', 'after'), [(signal.SIGINT, 2.0), (signal.SIGINT, 12.0),
                                               (signal.SIGTERM, 6.0)])
def test_giving_up_leaves_nothing_half_started(another, number, after):
    running = another.begin('up', '--no-demo')
    time.sleep(after)
    assert running.poll() is None, running.stdout.read()
    running.send_signal(number)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 130, output
    assert 'Traceback' not in output, output
    assert another.left_behind() == [], output
    assert another.processes() == set()


def test_down_of_what_never_was_is_fine(another):
    done = another.command('down')
    assert done.returncode == 0, done.stderr
