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

"""The stand-alone trove-api as a process: it serves, refuses to start with a reason, and stops
cleanly.
"""

import datetime
import ipaddress
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
import pytest
import sqlalchemy

from tests.functional.api import tokens
from trove.db import tables

pytestmark = pytest.mark.e2e

START_LIMIT = 60
REPOSITORY = pathlib.Path(__file__).parents[3]


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path, port):
    """Return a function (more sections, options) -> a process that was just started."""
    started = []

    def begin(more='', **options):
        lines = {
            'bind_host': '127.0.0.1',
            'bind_port': port,
            'trove_api_workers': 2,
            'transport_url': 'fake://',
            'inst_rpc_key_encr_key': '0123456789 only for this test 0123456789',
            **options
        }
        path = tmp_path / 'trove.conf'
        path.write_text(
            '[DEFAULT]\n' + ''.join(f'{name} = {value}\n' for name, value in lines.items()) +
            f'[database]\nconnection = sqlite:///{tmp_path}/trove.sqlite\n' +
            '[keystone_authtoken]\nauth_url = http://127.0.0.1:9/v3\nauth_type = password\n' + more)
        started.append(
            subprocess.Popen([sys.executable, '-m', 'trove.cmd.api', '--config-file',
                              str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True))
        return started[-1]

    yield begin
    for process in started:
        # Killed, it would leave its workers behind.
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            for child in children(process):
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.communicate()


def wait_until_served(process, port, tls=None):
    end = time.monotonic() + START_LIMIT
    url, failure = f'{"https" if tls else "http"}://127.0.0.1:{port}/', None
    while time.monotonic() < end and process.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=5, context=tls).read()
        except OSError as refused:
            failure = refused
            time.sleep(0.2)
    raise AssertionError(f'trove-api does not serve: {process.poll()} {failure}')


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    """Return (certificate, key): files of a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'trove')])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(
        key.public_key()).serial_number(
            x509.random_serial_number()).not_valid_before(now - datetime.timedelta(
                hours=1)).not_valid_after(now + datetime.timedelta(hours=1)).add_extension(
                    x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
                                                 ]),
                    False).add_extension(x509.BasicConstraints(ca=True, path_length=None),
                                         True).sign(key, hashes.SHA256()))
    directory = tmp_path_factory.mktemp('tls')
    (directory / 'trove.crt').write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / 'trove.key').write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption()))
    return directory / 'trove.crt', directory / 'trove.key'


def children(process):
    with open(f'/proc/{process.pid}/task/{process.pid}/children') as listed:
        return [int(child) for child in listed.read().split()]


def test_a_request_in_progress_is_completed_after_the_stop(start, port):
    process = start()
    assert b'v1.0' in wait_until_served(process, port)
    assert len(children(process)) == 2
    with socket.create_connection(('127.0.0.1', port), timeout=10) as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nHost: h\r\n')
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(b'Connection: close\r\n\r\n')
        assert connection.recv(64).startswith(b'HTTP/1.1 200')
    assert process.wait(20) == 0
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', port), timeout=1)


def test_a_worker_that_dies_is_replaced(start, port):
    process = start()
    wait_until_served(process, port)
    before = set(children(process))
    os.kill(min(before), signal.SIGKILL)
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and (len(children(process)) < 2
                                      or set(children(process)) == before):
        time.sleep(0.2)
    assert len(children(process)) == 2
    assert set(children(process)) != before
    wait_until_served(process, port)


def test_a_port_in_use_is_reported(start, port):
    with socket.socket() as other:
        other.bind(('127.0.0.1', port))
        other.listen()
        process = start()
        output, _ = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 1
    assert f'trove-api does not start: [Errno 98] cannot listen on 127.0.0.1:{port}' in output


def test_a_missing_key_is_reported(start):
    process = start(inst_rpc_key_encr_key='')
    output, _ = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 1
    assert 'inst_rpc_key_encr_key is not set' in output


def test_tls_is_served(start, port, certificate):
    process = start(f'[ssl]\ncert_file = {certificate[0]}\nkey_file = {certificate[1]}\n',
                    trove_api_workers=1)
    trusting = ssl.create_default_context(cafile=certificate[0])
    assert b'v1.0' in wait_until_served(process, port, trusting)
    # Neither a silent client nor one without TLS blocks others.
    address = ('127.0.0.1', port)
    with socket.create_connection(address), socket.create_connection(address) as plain:
        plain.sendall(b'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
        assert b'HTTP/1.1 200' not in plain.recv(1000)
        assert b'https://127.0.0.1' in wait_until_served(process, port, trusting)
    with pytest.raises(urllib.error.URLError, match='CERTIFICATE_VERIFY_FAILED'):
        urllib.request.urlopen(f'https://127.0.0.1:{port}/', timeout=5)
    with socket.create_connection(('127.0.0.1', port)) as old, pytest.raises(ssl.SSLError):
        offered = ssl.create_default_context(cafile=certificate[0])
        offered.minimum_version = offered.maximum_version = ssl.TLSVersion.TLSv1_1
        offered.wrap_socket(old, server_hostname='127.0.0.1')


def test_with_ca_file_clients_must_present_a_certificate(start, port, certificate):
    process = start(
        f'[ssl]\ncert_file = {certificate[0]}\nkey_file = {certificate[1]}\n'
        f'ca_file = {certificate[0]}\n',
        trove_api_workers=1)
    known = ssl.create_default_context(cafile=certificate[0])
    known.load_cert_chain(*certificate)
    wait_until_served(process, port, known)
    with pytest.raises(OSError,
                       match='(?i)certificate required|reset|unexpected eof|Remote end closed'):
        urllib.request.urlopen(f'https://127.0.0.1:{port}/', timeout=5,
                               context=ssl.create_default_context(cafile=certificate[0])).read()


def test_an_unreadable_certificate_is_reported(start, tmp_path):
    process = start(
        f'[ssl]\ncert_file = {tmp_path}/missing.crt\nkey_file = {tmp_path}/missing.key\n')
    output, _ = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 1
    assert 'trove-api does not start: [Errno 2]' in output
    assert f'[ssl] cert_file {tmp_path}/missing.crt' in output


# --- bodies --------------------------------------------------------------------------------------

@pytest.fixture
def open_to_tests(start, port, tmp_path, monkeypatch):
    """Start trove-api with a database and a token check that accepts the tokens of tests."""
    monkeypatch.setenv('PYTHONPATH', f'{REPOSITORY}:{REPOSITORY}/sandbox')
    paste = tmp_path / 'api-paste.ini'
    paste.write_text((REPOSITORY / 'etc/trove/api-paste.ini').read_text().replace(
        'trove.common.http.filters:authtoken', f'{tokens.__name__}:filter_factory'))
    tables.metadata.create_all(sqlalchemy.create_engine(f'sqlite:///{tmp_path}/trove.sqlite'))
    process = start(api_paste_config=paste)
    wait_until_served(process, port)
    return process


def post(port, headers, body):
    """Return the response to a body that is sent unchanged."""
    with socket.create_connection(('127.0.0.1', port), timeout=30) as connection:
        connection.sendall(
            f'POST /v1.0/{tokens.DEMO}/backup_strategies HTTP/1.1\r\nHost: trove\r\n'
            f'X-Auth-Token: demo\r\nContent-Type: application/json\r\nConnection: close\r\n'
            f'{headers}\r\n\r\n'.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile('rb').read()


CHUNKS = 'Transfer-Encoding: chunked'
STRATEGY = b'{"backup_strategy": {"swift_container": "ours"}}'


def test_a_body_may_come_in_chunks(open_to_tests, port):
    body = b''.join(b'%x\r\n%s\r\n' % (len(part), part)
                    for part in (STRATEGY[:7], STRATEGY[7:], b''))
    response = post(port, CHUNKS, body)
    assert response.startswith(b'HTTP/1.1 202 ') and b'"swift_container":"ours"' in response


#: (headers, body)
CUT_OFF = [(CHUNKS, b'zz\r\n{}\r\n0\r\n\r\n'), (CHUNKS, b'ff\r\n{"backup'), (CHUNKS, b'0\r\n\r\n'),
           ('Content-Length: 500', STRATEGY), ('Content-Length: -5', STRATEGY),
           ('Content-Length: many', STRATEGY)]


def test_an_incomplete_body_is_refused(open_to_tests, port):
    statuses = [post(port, headers, body).split(b' ')[1] for headers, body in CUT_OFF]
    assert statuses == [b'400'] * len(CUT_OFF)
    assert post(port, f'Content-Length: {len(STRATEGY)}', STRATEGY).startswith(b'HTTP/1.1 202 ')


def test_a_frozen_keystone_is_503_after_one_try_of_ten_seconds(start, port):
    with socket.create_server(('127.0.0.1', 0)) as frozen:
        # Connections are accepted by the kernel and never answered.
        url = f'http://127.0.0.1:{frozen.getsockname()[1]}/v3'
        process = start(f'username = trove\npassword = p\nproject_name = service\n'
                        f'user_domain_name = Default\nproject_domain_name = Default\n'
                        f'auth_url = {url}\n')
        wait_until_served(process, port)
        request = urllib.request.Request(f'http://127.0.0.1:{port}/v1.0/{tokens.DEMO}/instances',
                                         headers={'X-Auth-Token': 'unknown'})
        begun = time.monotonic()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 503
        assert time.monotonic() - begun < 15
