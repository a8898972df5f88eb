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

"""Instance keys: generation, derived secrets, and sealing for the database.

Every instance has one random key. The seal key of its messages and its broker password are derived
from it, so the database stores one secret per instance. The key is sealed under
``inst_rpc_key_encr_key`` and bound to its instance: a sealed key copied to another row does not
open.
"""

import base64
import functools
import hashlib
import os
import secrets

from cryptography import exceptions as crypto
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from oslo_config import cfg

KEY_BYTES = 32
#: A shorter key-encryption secret could be guessed from a copy of the database.
MIN_SECRET_CHARACTERS = 32
_MIN_DIFFERENT_CHARACTERS = 8
_NONCE_BYTES = 12
_FORMAT = 'v1'

#: Values of published configuration samples, known to every reader of the documentation.
PUBLISHED_DEFAULTS = frozenset({
    'bzH6y0SGmjuoY0FNSTptrhgieGXNDX6PIhvz',
    'emYjgHFqfXNB1NGehAFIUeoyw4V4XwWHEaKP',
    'inst_rpc_key_encr_key',
    'taskmanager_rpc_encr_key',
    'module_aes_cbc_key',
})


class KeyConfigurationError(Exception):
    """Unusable ``inst_rpc_key_encr_key``; services do not start. The message names the remedy."""


class KeySealError(Exception):
    """Sealed key that does not open: wrong secret, another instance, or damaged."""


def new_instance_key() -> bytes:
    """Return a new key of :data:`KEY_BYTES` random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derive(key: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for ``purpose`` that reveal nothing about ``key`` (HKDF-SHA256)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


@functools.lru_cache(maxsize=4096)
def seal_key(instance_key: bytes) -> bytes:
    """Return the key that seals the messages of an instance.

    Cached because a conductor needs it for each report.
    """
    return derive(instance_key, b'trove guest bus seal')


def broker_password(instance_key: bytes) -> str:
    """Return the broker password of a guest, urlsafe base64 without padding."""
    return base64.urlsafe_b64encode(derive(
        instance_key, b'trove guest bus password')).rstrip(b'=').decode('ascii')


def encode(key: bytes) -> str:
    """Return a key as base64, its format in ``guest_info.conf``."""
    return base64.b64encode(key).decode('ascii')


def decode(text: str) -> bytes:
    """Return the key of a text made by :func:`encode`.

    :raises ValueError: not base64 of :data:`KEY_BYTES` bytes; the message does not repeat the text.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError('the instance key is not base64') from None
    if len(key) != KEY_BYTES:
        raise ValueError(f'the instance key must have {KEY_BYTES} bytes')
    return key


def check_keys(conf: cfg.ConfigOpts) -> None:
    """Check that the key-encryption secret is set, not published and not guessable.

    :raises KeyConfigurationError: with a message for the operator.
    """
    problem = secret_problem(conf.inst_rpc_key_encr_key)
    if problem:
        raise KeyConfigurationError(
            f'[DEFAULT] inst_rpc_key_encr_key {problem}. Set it to at least '
            f'{MIN_SECRET_CHARACTERS} random '
            f'characters, the same on all hosts, for example from: openssl rand -base64 36')


def secret_problem(value: str | None) -> str | None:
    """Return the defect of a key-encryption secret as the end of a sentence; None for a good one.
    """
    if not value:
        return 'is not set'
    if value in PUBLISHED_DEFAULTS:
        return 'has a value from public documentation'
    if len(value) < MIN_SECRET_CHARACTERS:
        return f'has only {len(value)} characters'
    if len(set(value)) < _MIN_DIFFERENT_CHARACTERS:
        return f'has only {len(set(value))} different characters'
    return None


class KeyRing:
    """Key ring that seals and opens instance keys for the database.

    A sealed key is the text ``v1:<key id>:<base64 of nonce and cipher text>``. The key id names the
    configured secret, so a rotation can reseal row by row.
    """

    def __init__(self, current: str, former: tuple[str, ...] = ()) -> None:
        """Derive the keys of all secrets.

        :param current: secret that seals new keys.
        :param former: secrets that only open keys.
        """
        ring = [self._derive(secret) for secret in (current, *former)]
        self.current_id = ring[0][0]
        self._keys = dict(reversed(ring))

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'KeyRing':
        """Return the key ring of the configuration.

        :raises KeyConfigurationError: see :func:`check_keys`.
        """
        check_keys(conf)
        return cls(conf.inst_rpc_key_encr_key, tuple(conf.inst_rpc_key_encr_old_keys))

    @staticmethod
    def _derive(secret: str) -> tuple[str, bytes]:
        key = derive(secret.encode('utf-8'), b'trove instance key encryption')
        return hashlib.sha256(b'trove key id' + key).hexdigest()[:8], key

    def for_purpose(self, purpose: str) -> bytes:
        """Return 32 bytes for a purpose, the same at each call, that reveal nothing of the secret.
        """
        return derive(self._keys[self.current_id], f'trove {purpose}'.encode())

    def seal(self, instance_id: str, key: bytes) -> str:
        """Return the text for ``instances.encrypted_key``."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._keys[self.current_id]).encrypt(nonce, key,
                                                             self._bound_to(instance_id))
        return f'{_FORMAT}:{self.current_id}:{base64.b64encode(nonce + cipher).decode("ascii")}'

    def open(self, instance_id: str, sealed: str) -> bytes:
        """Return the key of a sealed text.

        :raises KeySealError: no configured secret opens the text for this instance.
        """
        version, _, rest = sealed.partition(':')
        key_id, _, text = rest.partition(':')
        if version != _FORMAT or key_id not in self._keys:
            raise KeySealError(
                f'the key of instance {instance_id} is sealed under a secret that is not configured'
            )
        try:
            raw = base64.b64decode(text, validate=True)
            return AESGCM(self._keys[key_id]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:],
                                                      self._bound_to(instance_id))
        except (ValueError, crypto.InvalidTag):
            raise KeySealError(
                f'the sealed key of instance {instance_id} is damaged or not its own') from None

    @property
    def current_prefix(self) -> str:
        """Prefix of every text sealed under the current secret."""
        return f'{_FORMAT}:{self.current_id}:'

    def is_current(self, sealed: str) -> bool:
        """Return whether a key is sealed under the current secret."""
        return sealed.startswith(self.current_prefix)

    def reseal(self, instance_id: str, sealed: str) -> str:
        """Return the key sealed under the current secret.

        :raises KeySealError: as :meth:`open`.
        """
        return self.seal(instance_id, self.open(instance_id, sealed))

    @staticmethod
    def _bound_to(instance_id: str) -> bytes:
        return b'trove instance key ' + instance_id.encode('ascii')
