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

"""Key pairs of users."""

import base64
import binascii
import hashlib
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from minicloud import errors, quota, web
from minicloud.state import Record

_CREATE = {
    'type': 'object', 'additionalProperties': False, 'required': ['name'], 'properties': {
        'name': {'type': 'string', 'minLength': 1, 'maxLength': 255},
        'public_key': {'type': 'string'}, 'type': {'type': 'string', 'enum': ['ssh', 'x509']},
        'user_id': {'type': 'string'}}}


def _user(call: web.Call, requested: str | None) -> str:
    if requested is None or requested == call.identity.user_id:
        return call.identity.user_id
    call.require_admin('os_compute_api:os-keypairs')
    return requested


def find(call: web.Call, name: str, user_id: str | None = None) -> Record | None:
    """Return the user's (default: the caller's) key pair of this name."""
    return call.tx.get('keypair', f'{user_id or call.identity.user_id}:{name}')


def _view(call: web.Call, record: Record, detail: bool = False) -> dict[str, Any]:
    shown = {name: record[name] for name in ('name', 'public_key', 'fingerprint')}
    if call.version >= (2, 2):
        shown['type'] = record['type']
    if detail:
        shown |= {'id': record['number'], 'user_id': record['user_id'],
                  'created_at': record['created_at'], 'updated_at': None, 'deleted': False,
                  'deleted_at': None}
    return shown


def _fingerprint(public_key: str) -> str:
    """Return the key's MD5 fingerprint; raise 400 if it is not a key."""
    words = public_key.split()
    try:
        data = base64.b64decode(words[1], validate=True)
        length = int.from_bytes(data[:4], 'big')
        known = data[4:4 + length].decode('ascii') == words[0]
    except (IndexError, UnicodeDecodeError, binascii.Error):
        known = False
    if not known:
        raise errors.BadRequest('Keypair data is invalid: failed to generate fingerprint')
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return ':'.join(digest[place:place + 2] for place in range(0, 32, 2))


def _generate() -> tuple[str, str]:
    """Return a new public and private key in OpenSSH's format."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH,
                                               serialization.PublicFormat.OpenSSH)
    text = private.private_bytes(serialization.Encoding.PEM,
                                 serialization.PrivateFormat.TraditionalOpenSSL,
                                 serialization.NoEncryption())
    return f'{public.decode()} Generated-by-Nova', text.decode()


def create(call: web.Call) -> web.Answer:
    """Respond to POST /os-keypairs: store the given key, or (before 2.92) generate one."""
    body = call.member('keypair')
    web.check(_CREATE, body)
    user_id = _user(call, body.get('user_id'))
    if find(call, body['name'], user_id) is not None:
        raise errors.Conflict(f"Key pair '{body['name']}' already exists.")
    owned = {'key_pairs': len(call.tx.list('keypair', user_id=user_id))}
    if quota.exceeded(quota.limits(call.tx, 'compute', call.project_id), owned,
                      {'key_pairs': 1}):
        raise errors.Forbidden('Quota exceeded, too many key pairs.')
    private_key = None
    if 'public_key' in body:
        public_key = body['public_key'].strip()
    elif call.version >= (2, 92):
        raise errors.BadRequest("Invalid input for field/attribute keypair. 'public_key' is a "
                                'required property')
    else:
        public_key, private_key = _generate()
    record = call.tx.put('keypair', {
        'id': f'{user_id}:{body["name"]}', 'number': call.tx.count('keypair'),
        'name': body['name'], 'user_id': user_id, 'public_key': public_key,
        'type': body.get('type', 'ssh'), 'fingerprint': _fingerprint(public_key),
        'created_at': call.time()})
    shown = {**_view(call, record), 'user_id': user_id}
    if private_key is not None:
        shown['private_key'] = private_key
    return 201 if call.version >= (2, 2) else 200, {'keypair': shown}


def index(call: web.Call) -> web.Answer:
    """Respond to GET /os-keypairs."""
    records = call.tx.list('keypair', user_id=_user(call, call.query.get('user_id')))
    records = [{**record, 'id': record['name']} for record in records]
    chosen, following = web.page(call, web.sort(records, [('name', 'asc')]))
    body: dict[str, Any] = {'keypairs': [{'keypair': _view(call, item)} for item in chosen]}
    if following:
        body['keypairs_links'] = [{'rel': 'next', 'href': following}]
    return body


def _require(call: web.Call, name: str) -> Record:
    user_id = _user(call, call.query.get('user_id'))
    record = find(call, name, user_id)
    if record is None:
        raise errors.NotFound(f'Keypair {name} not found for user {user_id}')
    return record


def show(call: web.Call, name: str) -> web.Answer:
    """Respond to GET /os-keypairs/{name}."""
    return {'keypair': _view(call, _require(call, name), detail=True)}


def delete(call: web.Call, name: str) -> web.Answer:
    """Respond to DELETE /os-keypairs/{name}."""
    call.tx.remove('keypair', _require(call, name)['id'])
    return 204 if call.version >= (2, 2) else 202, None


ROUTES = [web.Route('GET', '/os-keypairs', index), web.Route('POST', '/os-keypairs', create),
          web.Route('GET', '/os-keypairs/{name}', show),
          web.Route('DELETE', '/os-keypairs/{name}', delete)]
