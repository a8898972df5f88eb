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

"""Uploads to a server on this machine."""

import datetime
import http.server
import ipaddress
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trove.guestagent.system.web import WebError, put

SECRET = 'temp_url_sig=canary-5ecret'


class Handler(http.server.BaseHTTPRequestHandler):
    """Handler that keeps the requests and responds with the status in their path."""

    def do_PUT(self):
        content = self.rfile.read(int(self.headers['Content-Length']))
        self.server.came.append((self.path, content, dict(self.headers)))
        status = int(self.path.partition('?')[0].rpartition('/')[2])
        self.send_response(status)
        if status == 302:
            self.send_header('Location', '/201')
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_arguments):
        """Discard the log lines of the server."""


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    made.came = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def send(server, status, scheme='http', **how):
    put(f'{scheme}://127.0.0.1:{server.server_port}/v1/{status}?{SECRET}', 'größe'.encode(),
        {'X-Object-Meta-Lines': '1'}, timeout=5, **{'verify': True, **how})


def test_what_is_stored_arrives_whole(server, monkeypatch):
    # A proxy of the environment must not see the query.
    monkeypatch.setenv('http_proxy', 'http://127.0.0.1:1')
    send(server, 201)
    [(path, content, headers)] = server.came
    assert path == f'/v1/201?{SECRET}' and content.decode(
    ) == 'größe' and headers['X-Object-Meta-Lines'] == '1'


@pytest.mark.parametrize('status', [302, 401, 413, 503])
def test_anything_but_success_is_a_failure_that_keeps_the_secret(server, status):
    with pytest.raises(WebError, match=str(status)) as caught:
        send(server, status)
    assert caught.value.status == status and 'canary' not in str(caught.value)
    assert len(server.came) == 1, 'a redirect was followed'


def test_nobody_there(server):
    port = server.server_port
    server.shutdown()
    server.server_close()
    with pytest.raises(WebError, match='does not answer') as caught:
        put(f'http://127.0.0.1:{port}/x?{SECRET}', b'', {}, verify=True, timeout=5)
    assert caught.value.status is None and 'canary' not in str(caught.value)


def test_a_certificate_nobody_signed_is_refused_unless_nobody_looks(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / 'server.pem'))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(WebError, match='CERTIFICATE_VERIFY_FAILED'):
        send(server, 201, 'https')
    assert server.came == []
    send(server, 201, 'https', verify=False)
    assert len(server.came) == 1


def test_authorities_of_the_operator_are_trusted_besides(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / 'server.pem'))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    own = (tmp_path / 'server.pem').read_text().partition('-----BEGIN PRIVATE')[0]
    send(server, 201, 'https', authorities=own)
    assert len(server.came) == 1
    certificate(tmp_path / 'other.pem')
    with pytest.raises(WebError, match='CERTIFICATE_VERIFY_FAILED'):
        send(server, 201, 'https',
             authorities=(tmp_path / 'other.pem').read_text().partition('-----BEGIN PRI')[0])
    with pytest.raises(WebError, match='cannot be used'):
        send(server, 201, 'https', authorities='no certificates')


def certificate(path):
    """Return a file with a self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, '127.0.0.1')])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(
        key.public_key()).serial_number(1).not_valid_before(now).not_valid_after(
            now + datetime.timedelta(days=1)).add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]),
                False).sign(key, hashes.SHA256()))
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) +
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption()))
    return str(path)
