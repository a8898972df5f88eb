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

"""The installed ``trove-wsgi`` in a real uWSGI, started with the file of the documentation."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.e2e

REPOSITORY = pathlib.Path(__file__).parents[3]
START_LIMIT = 60
WORKERS = 2
THREADS = 4


@pytest.fixture(scope='module')
def prefix(tmp_path_factory):
    """Install the package, as its wheel does on a host."""
    directory = tmp_path_factory.mktemp('installed')
    source = directory / 'source'
    packaged = ['trove', 'etc', 'setup.py', 'setup.cfg', 'pyproject.toml', 'README.rst']
    listed = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', *packaged],
        cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split('\0')):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((REPOSITORY / name).read_bytes())
    subprocess.run('git init -q . && git add .', shell=True, cwd=source, check=True)
    subprocess.run([
        sys.executable, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet',
        '--no-deps', '--no-build-isolation', '--ignore-installed', '--no-warn-script-location',
        '--prefix', directory / 'usr', source
    ], env={
        **os.environ, 'PBR_VERSION': '0.0.1'
    }, check=True)
    return directory / 'usr'


@dataclasses.dataclass
class Server:
    """A running uWSGI."""

    process: subprocess.Popen
    port: int
    log: pathlib.Path

    def get(self, path, **headers):
        """Return (status, headers, body) of a response."""
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()

    def wait_until_served(self, loaded=WORKERS):
        """Wait until so many workers have loaded the application; before that a clean stop is not
        possible.
        """
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if self.log.read_text().count('WSGI app 0 ') >= loaded and self.get(
                    '/healthcheck')[0] == 200:
                return self
            time.sleep(0.2)
        raise AssertionError(
            f'uWSGI does not serve ({self.process.poll()}):\n{self.log.read_text()[-4000:]}')

    def workers(self):
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children') as listed:
            return [int(child) for child in listed.read().split()]


def uwsgi():
    """Return the uWSGI of the tests' environment, else the one of the distribution with its plugin.
    """
    own = pathlib.Path(sys.executable).with_name('uwsgi')
    return [own] if own.exists() else ['uwsgi', '--plugins', 'python3']


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture
def keystone():
    """Return the port of a Keystone that accepts connections but does not respond."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(64)
        yield listener


@pytest.fixture
def start(prefix, tmp_path, keystone):
    """Return a function (options, replaced text of the ini file) -> a server that was just started.
    """
    started = []

    def begin(replaced=(), **options):
        port = free_port()
        lines = {
            'transport_url': 'fake://',
            'inst_rpc_key_encr_key': '0123456789 only for this test 0123456789',
            'http_get_rate': 100,
            **options
        }
        (tmp_path / 'trove.conf').write_text(
            '[DEFAULT]\n' + ''.join(f'{name} = {value}\n' for name, value in lines.items()) +
            f'[database]\nconnection = sqlite:///{tmp_path}/trove.sqlite\n' +
            '[keystone_authtoken]\nauth_type = password\nusername = trove\npassword = p\n'
            'project_name = service\nuser_domain_name = Default\n'
            'project_domain_name = Default\nhttp_request_max_retries = 0\n'
            + f'auth_url = http://127.0.0.1:{keystone.getsockname()[1]}/v3\n')
        text = (REPOSITORY / 'etc' / 'trove' / 'trove-uwsgi.ini').read_text()
        for former, new in [('/usr/local/bin/trove-wsgi', f'{prefix}/bin/trove-wsgi'),
                            ('=/etc/trove', f'={tmp_path}'), (':8779', f':{port}'),
                            ('processes = 4', f'processes = {WORKERS}'),
                            ('threads = 8', f'threads = {THREADS}'), *replaced]:
            assert text.count(former) == 1, former
            text = text.replace(former, new)
        packages = sysconfig.get_path('purelib', 'posix_prefix', {'base': str(prefix)})
        (tmp_path /
         'uwsgi.ini').write_text(f'{text}\nhome = {sys.prefix}\npythonpath = {packages}\n')
        log = tmp_path / 'uwsgi.log'
        with log.open('w') as output:
            process = subprocess.Popen([*uwsgi(), '--ini', tmp_path / 'uwsgi.ini'], cwd=tmp_path,
                                       stdout=output, stderr=output,
                                       env={'PATH': os.environ['PATH']})
        started.append(Server(process, port, log))
        return started[-1]

    yield begin
    for server in started:
        for worker in server.workers() if server.process.poll() is None else ():
            os.kill(worker, signal.SIGKILL)
        server.process.kill()
        server.process.wait()


def test_the_script_serves_the_pipeline(start):
    server = start().wait_until_served()
    status, _, body = server.get('/')
    assert status == 200
    assert [version['id'] for version in json.loads(body)['versions']] == ['v1.0']
    status, headers, body = server.get('/v1.0/8b5b9ac0b6d04a9bb22c8fcc4bd9a2a1/instances')
    assert status == 401
    assert headers['WWW-Authenticate'].startswith('Keystone uri=')
    assert headers['x-openstack-request-id'].startswith('req-')
    assert 'unauthorized' in body.decode().lower()
    assert len(server.workers()) == WORKERS


def test_many_requests_at_once(start):
    server = start().wait_until_served()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda _: server.get('/v1.0/p/instances'), range(200)))
    assert {status for status, _, _ in responses} == {401}
    assert len({headers['x-openstack-request-id'] for _, headers, _ in responses}) == 200


def test_waiting_requests_leave_threads_for_others(start, keystone):
    server = start([(f'processes = {WORKERS}', 'processes = 1')]).wait_until_served(1)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        waiting = [
            pool.submit(server.get, '/v1.0/p/instances', **{'X-Auth-Token': f'token-{number}'})
            for number in range(THREADS - 1)
        ]
        # One of them requests a token from Keystone, the others wait for it.
        held, _ = keystone.accept()
        time.sleep(0.5)
        assert server.get('/healthcheck')[0] == 200
        assert not any(request.done() for request in waiting)
        keystone.close()
        held.close()
        # Keystone is unavailable, so the token is neither valid nor invalid: not an error of the
        # client.
        assert [request.result()[0] for request in waiting] == [503] * len(waiting)


def test_a_worker_that_dies_is_replaced(start):
    server = start().wait_until_served()
    before = set(server.workers())
    os.kill(min(before), signal.SIGKILL)
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and (len(server.workers()) < WORKERS
                                      or set(server.workers()) == before):
        time.sleep(0.2)
    assert len(server.workers()) == WORKERS
    assert set(server.workers()) != before
    server.wait_until_served(WORKERS + 1)


def test_a_request_in_progress_is_completed_after_the_stop(start, keystone):
    server = start().wait_until_served()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.get, '/v1.0/p/instances', **{'X-Auth-Token': 'token'})
        held, _ = keystone.accept()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None
        keystone.close()
        held.close()
        assert waiting.result()[0] == 503
    assert server.process.wait(10) == 0


def test_the_module_serves_as_the_script_does(start, prefix):
    server = start([(f'wsgi-file = {prefix}/bin/trove-wsgi\n', ''), ('# module =', 'module ='),
                    ('env = OS_TROVE_CONFIG_DIR=', 'pyargv = --config-dir ')]).wait_until_served()
    assert server.get('/v1.0/p/instances')[0] == 401


def test_a_missing_key_is_reported(start):
    server = start(inst_rpc_key_encr_key='')
    assert server.process.wait(START_LIMIT) != 0
    assert 'inst_rpc_key_encr_key is not set' in server.log.read_text()


def test_a_missing_file_is_reported(start, tmp_path):
    server = start([('env = ', 'env = OS_TROVE_CONFIG_FILES=missing.conf\nenv = ')])
    assert server.process.wait(START_LIMIT) != 0
    assert f'{tmp_path}/missing.conf' in server.log.read_text()
