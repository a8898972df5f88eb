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

"""Schemas of responses about datastores, versions and volume types."""

from trove.common.http.schemas import BOOLEAN, LINKS, STRING, array, nullable, showing, shown

_VERSION = {'id': STRING, 'name': STRING, 'version': STRING, 'links': LINKS}
#: Keys that only administrators see.
_ADMIN = {
    'active': BOOLEAN,
    'packages': nullable(STRING),
    'image': nullable(STRING),
    'image_tags': array(STRING),
    'registry_ext': nullable(STRING),
    'repl_strategy': nullable(STRING)
}
VERSION = shown('DatastoreVersion', {**_VERSION, 'datastore': STRING}, _ADMIN)
DATASTORE = shown('Datastore', {'id': STRING, 'name': STRING, 'links': LINKS,
                                'versions': array(shown('VersionOfDatastore', _VERSION, _ADMIN))},
                  {'default_version': STRING})
VOLUME_TYPE = shown('VolumeType', {'id': STRING, 'name': STRING, 'is_public': BOOLEAN,
                                   'description': nullable(STRING)})

INDEX = showing('datastores', array(DATASTORE))
SHOW = showing('datastore', DATASTORE)
VERSIONS = showing('versions', array(VERSION))
VERSION_SHOW = showing('version', VERSION)
VOLUME_TYPES = showing('volume_types', array(VOLUME_TYPE))
