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

"""Schemas of requests and responses about the root account."""

from trove.common.http.schemas import BOOLEAN, STRING, compiled, obj, showing, shown

#: An empty password counts as missing.
ENABLE = compiled(
    obj({'password': {
        'type': ['string', 'null'],
        'maxLength': 255
    }}, xml={'name': 'user'}))

SHOW = showing('rootEnabled', BOOLEAN)
ENABLED = showing('user', shown('RootUser', {'name': STRING, 'password': STRING}))
