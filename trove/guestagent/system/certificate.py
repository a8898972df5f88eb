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
"""Self-signed certificate of a server that has no other one."""

import os
import socket

from trove.guestagent.system import files
from trove.guestagent.system.process import run

CERTIFICATE, KEY = 'server-cert.pem', 'server-key.pem'
_DAYS = 3650


def ensure_self_signed(directory: str, group: str) -> None:
    """Create a certificate and its key in ``directory`` unless both exist.

    :param group: group of the engine, which may read both and write neither.
    :raises ProcessFailed: openssl could not make them.
    """
    certificate, key = os.path.join(directory, CERTIFICATE), os.path.join(directory, KEY)
    files.directory(directory, mode=0o750, user='root', group=group)
    if os.path.exists(certificate) and os.path.exists(key):
        return
    name = socket.gethostname()[:64] or 'database'
    made = run([
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
        '-nodes', '-days',
        str(_DAYS), '-subj', f'/CN={name}', '-addext', f'subjectAltName=DNS:{name}', '-keyout', '-',
        '-out', '-'
    ], timeout=60).output
    # Write the key first, so that a certificate without its key never exists.
    begin = made.index('-----BEGIN CERTIFICATE-----')
    files.write(key, made[:begin], mode=0o640, user='root', group=group)
    files.write(certificate, made[begin:], mode=0o644, user='root', group=group)
