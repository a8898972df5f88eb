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

"""Keystone as far as the edge sees it: a filter in the place of auth_token, and the one call behind
user sessions.

The filter keeps the contract of keystonemiddleware: headers in, ``error`` body and WWW-Authenticate
out.
"""

import json
from typing import Any, NamedTuple

from keystoneauth1 import fixture
from minicloud import inprocess
from minicloud.identity import Identity

from tests.functional import object_store

KEYSTONE = 'http://keystone.test'

#: Begin of the address of an account of the object store.
OBJECT_STORE = f'{inprocess.ADDRESS}{object_store.ROOT}'

#: Project ids. Keystone's have no hyphens.
DEMO = 'd3303c6bd1ab4ee1a50ab2a6ad0d5e9f'
OTHER = '0bd9b6a9c0f94c0d8b1b5a4c2e6f7d80'
ADMIN = 'ad31b1fc0bd94f0f9a11b8a4c0e6f7d1'


class Known(NamedTuple):
    user: str
    project: str
    roles: tuple[str, ...]


#: Owner of each token. Roles as from Keystone, the implied ones included.
KNOWN = {
    'demo': Known('demo-user', DEMO, ('member', 'reader')),
    'demo-reader': Known('reader-user', DEMO, ('reader',)),
    'demo-manager': Known('manager-user', DEMO, ('manager', 'member', 'reader')),
    'demo-nobody': Known('nobody-user', DEMO, ('auditor',)),
    'other': Known('other-user', OTHER, ('member', 'reader')),
    'admin': Known('admin-user', ADMIN, ('admin', 'manager', 'member', 'reader')),
    'service': Known('trove', 'service', ('admin', 'service')),
}


class Identifier:
    """The same tokens for minicloud."""

    def identify(self, environ: dict[str, Any]) -> Identity | None:
        known = KNOWN.get(environ.get('HTTP_X_AUTH_TOKEN', ''))
        return known and Identity(known.user, known.project, frozenset(known.roles),
                                  bool({'admin', 'service'} & set(known.roles)))


def document(token: str) -> dict[str, Any]:
    """Return Keystone's document of a token, catalog included."""
    known = KNOWN[token]
    body = fixture.V3Token(user_id=known.user, user_name=known.user, project_id=known.project,
                           project_name=known.project)
    for role in known.roles:
        body.add_role(role)
    for kind, address in inprocess.catalog(known.project, {
            'object-store': OBJECT_STORE + known.project
    }).items():
        body.add_service(kind, kind).add_standard_endpoints(public=address, internal=address,
                                                            admin=address, region='RegionOne')
    return body


def keystone(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """``GET /v3/auth/tokens``."""
    token = environ.get('HTTP_X_SUBJECT_TOKEN', '')
    if environ['PATH_INFO'] != '/v3/auth/tokens' or token not in KNOWN:
        start_response('404 Not Found', [('Content-Type', 'application/json')])
        return [b'{"error":{"code":404,"title":"Not Found","message":"no"}}']
    start_response('200 OK', [('Content-Type', 'application/json'), ('X-Subject-Token', token)])
    return [json.dumps(document(token)).encode()]


def filter_factory(_global_conf: dict[str, str], **_local_conf: str) -> Any:
    return AuthToken


class AuthToken:
    """auth_token with ``delay_auth_decision`` off."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        known = KNOWN.get(environ.get('HTTP_X_AUTH_TOKEN', ''))
        if known is None:
            start_response('401 Unauthorized', [('Content-Type', 'application/json'),
                                                ('WWW-Authenticate', f'Keystone uri="{KEYSTONE}"')])
            return [
                json.dumps({
                    'error': {
                        'code': 401,
                        'title': 'Unauthorized',
                        'message': 'The request you have made requires authentication.'
                    }
                }).encode()
            ]
        environ.update({
            'HTTP_X_IDENTITY_STATUS': 'Confirmed',
            'HTTP_X_PROJECT_ID': known.project,
            'HTTP_X_TENANT_ID': known.project,
            'HTTP_X_PROJECT_NAME': known.project,
            'HTTP_X_USER_ID': known.user,
            'HTTP_X_USER_NAME': known.user,
            'HTTP_X_ROLES': ','.join(known.roles),
            'HTTP_X_USER_DOMAIN_ID': 'default',
            'HTTP_X_PROJECT_DOMAIN_ID': 'default'
        })
        return self.application(environ, start_response)
