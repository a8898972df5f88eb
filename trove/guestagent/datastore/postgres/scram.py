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
"""Verifiers of SCRAM-SHA-256, so that no statement contains a password."""

import base64
import hashlib
import hmac
import os
import stringprep
import unicodedata

ITERATIONS = 4096
_SALT_BYTES = 16

_PROHIBITED = (stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
               stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6,
               stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9,
               stringprep.in_table_a1)


def verifier(password: str, salt: bytes | None = None) -> str:
    """Return the text for ``ALTER ROLE … PASSWORD`` instead of a password.

    :param salt: 16 random bytes by default.
    """
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac('sha256', prepared(password), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b'Client Key', 'sha256')).digest()
    server = hmac.digest(salted, b'Server Key', 'sha256')
    return f'SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}'


def prepared(password: str) -> bytes:
    """Return the bytes that clients hash: SASLprep of the password, or the password itself.

    Like libpq, the password is unchanged where SASLprep is undefined.
    """
    raw = password.encode('utf-8')
    if password.isascii():
        return raw
    mapped = ''.join(' ' if stringprep.in_table_c12(character) else character
                     for character in password
                     if not stringprep.in_table_b1(character))
    normal = unicodedata.normalize('NFKC', mapped)
    if not normal or any(
            prohibited(character) for character in normal for prohibited in _PROHIBITED):
        return raw
    return normal.encode('utf-8') if _directions_agree(normal) else raw


def _directions_agree(text: str) -> bool:
    """Return whether right-to-left text begins and ends so, without left-to-right characters."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    return (not any(map(stringprep.in_table_d2, text))
            and stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode('ascii')
