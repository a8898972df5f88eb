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

"""Sealed messages, as pure functions of key and content.

The header is readable, because the receiver needs the instance id to find the key. It is
authenticated with the body: instance, direction, kind and order.

On the wire: ``{"v": 1, "h": <header as JSON text>, "n": <nonce, base64>, "c": <cipher text,
base64>}``.
"""

import base64
import dataclasses
import functools
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from cryptography import exceptions as crypto
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
DOWN = 'down'
UP = 'up'
#: Kind of the reply to a call; the header's ``about`` names the request.
REPLY = 'Reply'

#: Maximum size of a cipher text in bytes, far above a page of users or the objects of a prepare.
MAX_BYTES = 1024 * 1024
MAX_SEQ = 2 ** 63 - 1
_MAX_HEADER = 1024
_NONCE_BYTES = 12
_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
# As long as the columns that keep them.
_WORD = re.compile(r'[A-Za-z][A-Za-z0-9]{0,35}')
_BOOT = re.compile(r'[0-9A-Za-z.\-]{0,36}')
_ABOUT = re.compile(r'[0-9A-Za-z.\-:]{0,64}')


class EnvelopeError(Exception):
    """Message that must be ignored; ``reason`` is the key of its counter."""
    reason = 'malformed'


class Malformed(EnvelopeError):
    """Message that is no envelope, or has values out of bounds."""


class Unsealed(EnvelopeError):
    """Plain message where a sealed one is required."""
    reason = 'unsealed'


class Forged(EnvelopeError):
    """Message sealed under another key, or changed in transit."""
    reason = 'forged'


class Misdirected(EnvelopeError):
    """Authentic message for another instance, direction or run of the guest."""
    reason = 'misdirected'


class Replayed(EnvelopeError):
    """Authentic message that is not newer than the last accepted one."""
    reason = 'stale'


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """Header, authenticated together with the body.

    :param instance_id: guest that receives or sent the message.
    :param direction: :data:`DOWN` (to the guest) or :data:`UP`.
    :param kind: name of the message type.
    :param boot_id: run of the sender; for a guest "<boot epoch>.<start counter>", which compares as
        text.
    :param seq: grows within one run of the sender.
    :param to_boot: down only: run of the guest that may take the message, "" for any.
    :param about: replies only: ``boot_id:seq`` of the request.
    """
    instance_id: str
    direction: str
    kind: str
    boot_id: str
    seq: int
    to_boot: str = ''
    about: str = ''
    version: int = VERSION

    @property
    def reference(self) -> str:
        """Value of ``about`` in a reply."""
        return f'{self.boot_id}:{self.seq}'


_FIELDS = frozenset(field.name for field in dataclasses.fields(Header))
_CHECKS = {
    'instance_id': lambda value: isinstance(value, str) and _ID.fullmatch(value),
    'direction': lambda value: value in (DOWN, UP),
    'kind': lambda value: isinstance(value, str) and _WORD.fullmatch(value),
    'boot_id': lambda value: isinstance(value, str) and value and _BOOT.fullmatch(value),
    'seq': lambda value: type(value) is int and 0 < value <= MAX_SEQ,
    'to_boot': lambda value: isinstance(value, str) and _BOOT.fullmatch(value),
    'about': lambda value: isinstance(value, str) and _ABOUT.fullmatch(value),
    'version': lambda value: value == VERSION and type(value) is int,
}


def seal(key: bytes, header: Header, body: Mapping[str, Any]) -> dict[str, Any]:
    """Seal ``body`` under ``key``.

    :param key: 32 bytes, see :func:`trove.common.rpc.keys.seal_key`.
    :param body: values that JSON can represent.
    :raises Malformed: a header value is out of bounds.
    """
    _check(dataclasses.asdict(header))
    text = json.dumps(dataclasses.asdict(header), separators=(',', ':'), sort_keys=True)
    nonce = os.urandom(_NONCE_BYTES)
    plain = json.dumps(body, separators=(',', ':'), allow_nan=False).encode('utf-8')
    cipher = AESGCM(key).encrypt(nonce, plain, text.encode('ascii'))
    return {'v': VERSION, 'h': text, 'n': _to_text(nonce), 'c': _to_text(cipher)}


def read_header(envelope: Any) -> Header:
    """Return the header before authentication, only to find the key.

    :raises Unsealed: plain content.
    :raises Malformed: no usable header.
    """
    if not isinstance(envelope, Mapping):
        raise Malformed('the message is no envelope')
    if 'c' not in envelope or 'h' not in envelope:
        raise Unsealed('the message is not sealed')
    text = envelope['h']
    if envelope.get('v') != VERSION or not isinstance(
            text, str) or len(text) > _MAX_HEADER or not text.isascii():
        raise Malformed('the envelope has an unknown version or header')
    return _header(text)


@functools.lru_cache(1024)
def _header(text: str) -> Header:
    """Return a parsed header; cached because a receiver reads each header several times."""
    values = {name: value for name, value in _load(text).items() if name in _FIELDS}
    _check(values)
    try:
        return Header(**values)
    except TypeError:
        raise Malformed('the header lacks a value') from None


def open(key: bytes, envelope: Any, *, max_bytes: int = MAX_BYTES) -> tuple[Header, dict[str, Any]]:
    """Authenticate and open an envelope.

    :param max_bytes: maximum size of the cipher text.
    :returns: header and body. The caller checks direction, order and addressee.
    :raises EnvelopeError: a subclass; the message contains no part of the content.
    """
    header = read_header(envelope)
    nonce = _from_text(envelope.get('n'), 64)
    cipher = _from_text(envelope['c'], max_bytes * 4 // 3 + 4)
    if len(nonce) != _NONCE_BYTES:
        raise Malformed('the nonce has the wrong length')
    try:
        plain = AESGCM(key).decrypt(nonce, cipher, envelope['h'].encode('ascii'))
    except crypto.InvalidTag:
        raise Forged('the seal does not fit') from None
    return header, _load(plain)


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not _CHECKS[name](value):
            raise Malformed(f'header value {name} is out of bounds')


def _load(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed('the content is no JSON') from None
    if not isinstance(value, dict):
        raise Malformed('the content is no JSON object')
    return value


def _to_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode('ascii')


def _from_text(text: Any, longest: int) -> bytes:
    if not isinstance(text, str) or len(text) > longest:
        raise Malformed('the envelope contains no text, or too long a text')
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Malformed('the envelope contains no base64') from None
