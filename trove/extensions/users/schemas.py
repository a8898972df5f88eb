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

"""Schemas of requests and responses about users."""

from trove.common.http.schemas import (NAME, STRING, TEXT, array, compiled, nullable, obj, page_of,
                                       showing, shown, wrapped)
from trove.extensions.databases.schemas import SHOWN as DATABASE
from trove.instance.schemas import DATABASE_NAME, HOST, USER

#: Users in one request, which fit into one message to a guest.
MAX_ITEMS = 1000

CREATE = compiled(wrapped('users', array(USER, maxItems=MAX_ITEMS)))

_PASSWORD = obj({'name': NAME, 'password': TEXT, 'host': HOST}, required=('name', 'password'))
CHANGE_PASSWORDS = compiled(wrapped('users', array(_PASSWORD, maxItems=MAX_ITEMS)))

UPDATE = compiled(wrapped('user', {
    **obj({'name': NAME, 'password': TEXT, 'host': HOST}),
    'anyOf': [{'required': [key]} for key in ('name', 'password', 'host')],
    'reason': "must have 'name', 'password' or 'host'",
}))

GRANT = compiled(wrapped('databases', array(DATABASE_NAME, maxItems=MAX_ITEMS)))

SHOWN = shown('User', {'name': STRING, 'host': nullable(STRING), 'databases': array(DATABASE)})
INDEX = page_of('users', SHOWN)
SHOW = showing('user', SHOWN)
ACCESS = showing('databases', array(DATABASE))
