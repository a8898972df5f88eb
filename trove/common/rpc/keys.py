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

"""Keys of instances: how they are made, what is derived from them, and how they are kept in the database.

Every instance has one random key. The seal key of its messages and its password at the broker are derived from it, so
that the database holds one secret per instance. It is kept sealed under ``inst_rpc_key_encr_key``, bound to its
instance: a sealed key that is copied to another row does not open.
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

#: Values that stand in published configuration samples. Whoever reads the documentation has them.
PUBLISHED_DEFAULTS = frozenset({
    'bzH6y0SGmjuoY0FNSTptrhgieGXNDX6PIhvz',
    'emYjgHFqfXNB1NGehAFIUeoyw4V4XwWHEaKP',
    'inst_rpc_key_encr_key',
    'taskmanager_rpc_encr_key',
    'module_aes_cbc_key',
})


class KeyConfigurationError(Exception):
    """``inst_rpc_key_encr_key`` cannot be used; the text says what to do. Services do not start."""


class KeySealError(Exception):
    """A sealed instance key does not open: wrong key-encryption secret, another instance's, or damaged."""


def new_instance_key() -> bytes:
    """A fresh key of :data:`KEY_BYTES` random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derive(key: bytes, purpose: bytes) -> bytes:
    """32 bytes that serve ``purpose`` and tell nothing about ``key`` or other purposes (HKDF-SHA256)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


@functools.lru_cache(maxsize=4096)
def seal_key(instance_key: bytes) -> bytes:
    """The key that seals the messages of this instance. Remembered: a conductor needs it for each report."""
    return derive(instance_key, b'trove guest bus seal')


def broker_password(instance_key: bytes) -> str:
    """The password of this guest's user at the broker, urlsafe base64 without padding."""
    return base64.urlsafe_b64encode(derive(
        instance_key, b'trove guest bus password')).rstrip(b'=').decode('ascii')


def encode(key: bytes) -> str:
    """The form of a key in ``guest_info.conf``: base64."""
    return base64.b64encode(key).decode('ascii')


def decode(text: str) -> bytes:
    """Undo :func:`encode`.

    :raises ValueError: not base64 of :data:`KEY_BYTES` bytes. The text is not repeated in the error.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError('the instance key is not base64') from None
    if len(key) != KEY_BYTES:
        raise ValueError(f'the instance key must have {KEY_BYTES} bytes')
    return key


def check_keys(conf: cfg.ConfigOpts) -> None:
    """Refuse to work with a missing, published or guessable key-encryption secret.

    :raises KeyConfigurationError: with a sentence for the operator.
    """
    problem = secret_problem(conf.inst_rpc_key_encr_key)
    if problem:
        raise KeyConfigurationError(
            f'[DEFAULT] inst_rpc_key_encr_key {problem}. Set it to at least {MIN_SECRET_CHARACTERS} random '
            f'characters, the same on all hosts, for example from: openssl rand -base64 36')


def secret_problem(value: str | None) -> str | None:
    """What is wrong with a key-encryption secret, as the end of a sentence; None when it is good."""
    if not value:
        return 'is not set'
    if value in PUBLISHED_DEFAULTS:
        return 'has a value that stands in public documentation'
    if len(value) < MIN_SECRET_CHARACTERS:
        return f'has only {len(value)} characters'
    if len(set(value)) < _MIN_DIFFERENT_CHARACTERS:
        return f'has only {len(set(value))} different characters'
    return None


class KeyRing:
    """Seals and opens instance keys for the database.

    A sealed key is the text ``v1:<key id>:<base64 of nonce and cipher text>``; the key id tells under which of the
    configured secrets it was sealed, so a rotation can go row by row.
    """

    def __init__(self, current: str, former: tuple[str, ...] = ()) -> None:
        """
        :param current: the secret new keys are sealed under.
        :param former: secrets that may still be needed to open.
        """
        ring = [self._derive(secret) for secret in (current, *former)]
        self.current_id = ring[0][0]
        self._keys = dict(reversed(ring))

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'KeyRing':
        """:raises KeyConfigurationError: see :func:`check_keys`."""
        check_keys(conf)
        return cls(conf.inst_rpc_key_encr_key, tuple(conf.inst_rpc_key_encr_old_keys))

    @staticmethod
    def _derive(secret: str) -> tuple[str, bytes]:
        key = derive(secret.encode('utf-8'), b'trove instance key encryption')
        return hashlib.sha256(b'trove key id' + key).hexdigest()[:8], key

    def for_purpose(self, purpose: str) -> bytes:
        """32 bytes that serve a purpose and are the same each time; they tell nothing about the secret."""
        return derive(self._keys[self.current_id], f'trove {purpose}'.encode())

    def seal(self, instance_id: str, key: bytes) -> str:
        """The text to store in ``instances.encrypted_key``."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._keys[self.current_id]).encrypt(nonce, key,
                                                             self._bound_to(instance_id))
        return f'{_FORMAT}:{self.current_id}:{base64.b64encode(nonce + cipher).decode("ascii")}'

    def open(self, instance_id: str, sealed: str) -> bytes:
        """:raises KeySealError: the text does not open under any configured secret for this instance."""
        form, _, rest = sealed.partition(':')
        key_id, _, text = rest.partition(':')
        if form != _FORMAT or key_id not in self._keys:
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
    def current_form(self) -> str:
        """What everything begins with that is sealed under the current secret."""
        return f'{_FORMAT}:{self.current_id}:'

    def is_current(self, sealed: str) -> bool:
        """Whether a sealed key is under the current secret; a rotation seals the others again."""
        return sealed.startswith(self.current_form)

    def reseal(self, instance_id: str, sealed: str) -> str:
        """The same key under the current secret.

        :raises KeySealError: as :meth:`open`.
        """
        return self.seal(instance_id, self.open(instance_id, sealed))

    @staticmethod
    def _bound_to(instance_id: str) -> bytes:
        return b'trove instance key ' + instance_id.encode('ascii')
