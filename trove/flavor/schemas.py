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

"""Schemas of responses about flavors."""

from trove.common.http.schemas import INTEGER, LINKS, STRING, array, nullable, showing, shown

SHOWN = shown(
    'Flavor', {
        'id': nullable(INTEGER),
        'str_id': STRING,
        'name': STRING,
        'ram': INTEGER,
        'vcpus': INTEGER,
        'disk': INTEGER,
        'ephemeral': INTEGER,
        'links': LINKS
    }, {'local_storage': INTEGER})
INDEX = showing('flavors', array(SHOWN))
SHOW = showing('flavor', SHOWN)
