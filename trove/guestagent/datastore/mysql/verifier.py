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


"""Verifiers of MySQL's caching_sha2_password, so that no statement contains a password.

A verifier is ``$A$005$``, a salt of 20 characters, and crypt's SHA-256 variant with 5000 rounds.
"""

import hashlib
import secrets
import string

_ALPHABET = './' + string.digits + string.ascii_uppercase + string.ascii_lowercase
_SALT_ALPHABET = string.ascii_letters + string.digits
_SALT_LENGTH = 20
#: Thousands of rounds, as in the text; the server's default.
_ROUNDS = 5
#: Order in which crypt writes the bytes of a digest, three at a time.
_TRIPLES = ((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5),
            (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29))


def make(password: str) -> str:
    """Return a verifier of a password with a random salt."""
    salt = ''.join(secrets.choice(_SALT_ALPHABET) for _ in range(_SALT_LENGTH))
    digest = crypt(password.encode('utf-8'), salt.encode('ascii'), _ROUNDS * 1000)
    return f'$A${_ROUNDS:03X}${salt}{digest}'


def crypt(password: bytes, salt: bytes, rounds: int) -> str:
    """Return the 43 characters of crypt's SHA-256 variant; takes a few milliseconds on purpose."""
    sha = hashlib.sha256
    alternate = sha(password + salt + password).digest()
    first = sha(password + salt + _stretched(alternate, len(password)))
    length = len(password)
    while length:
        first.update(alternate if length & 1 else password)
        length >>= 1
    digest = first.digest()
    words = _stretched(sha(password * len(password)).digest(), len(password))
    grains = _stretched(sha(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        odd = number & 1
        digest = sha((words if odd else digest) + (grains if number % 3 else b'') +
                     (words if number % 7 else b'') + (digest if odd else words)).digest()
    return ''.join(_encoded(digest[high] << 16 | digest[middle] << 8 | digest[low], 4)
                   for high, middle, low in _TRIPLES) + _encoded(digest[31] << 8 | digest[30], 3)


def _stretched(block: bytes, length: int) -> bytes:
    """Return ``length`` bytes of a repeated block."""
    return (block * (length // len(block) + 1))[:length]


def _encoded(number: int, characters: int) -> str:
    return ''.join(_ALPHABET[number >> 6 * place & 63] for place in range(characters))
