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

"""Names of the resources of Trove in the cloud.

Each name derives from the instance id only, so a later step finds the resources of an earlier try.
"""

import re

#: Metadata key of a server: the request that gave it its image.
BUILD_MARK = 'trove_build'

#: Longest tag that Nova accepts.
MAX_TAG_LENGTH = 60
#: Prefix of the names of volumes and ports.
PREFIX = 'trove-'
#: Tag of all servers of Trove.
SERVER_TAG = 'trove_instance'

_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'


def volume(instance_id: str) -> str:
    return f'trove-{instance_id}'


def management_port(instance_id: str) -> str:
    return f'trove-{instance_id}'


def tenant_port(instance_id: str) -> str:
    return f'trove-{instance_id}-tenant'


def security_group(prefix: str, instance_id: str) -> str:
    return f'{prefix}-{instance_id}'


def management_group(prefix: str) -> str:
    """Return the name of the shared group of management ports, for when the operator lists none."""
    return f'{prefix}-management'


def server_group(instance_id: str) -> str:
    return f'locality_{instance_id}'


def server(name: str, instance_id: str) -> str:
    """Return the name of a server: the name of the instance, as far as Nova accepts it.

    Nova refuses control characters, separators, characters beyond the basic multilingual plane, and
    spaces at the ends.
    """
    accepted = ''.join(character if character.isprintable() and ord(character) < 0xFFFF else ' '
                       for character in name)
    return accepted.strip() or f'trove-{instance_id}'


def server_tag(instance_id: str) -> str:
    """Return the tag of an instance's server, because server names are not unique."""
    return f'trove_instance_id_{instance_id}'


def server_tags(instance_id: str, manager: str) -> list[str]:
    """Return the tags of a server. User and project ids may exceed a tag, so they are metadata."""
    return [SERVER_TAG, f'trove_{manager}'[:MAX_TAG_LENGTH], server_tag(instance_id)]


def server_metadata(instance_id: str, project_id: str, user_id: str) -> dict[str, str]:
    return {
        'trove_instance_id': instance_id,
        'trove_project_id': project_id,
        'trove_user_id': user_id
    }


def public_address(instance_id: str) -> str:
    """Return the description of a floating address, which has no name."""
    return f'Database instance {instance_id}'


def instance_of(name: str, pattern: str = PREFIX + '{}') -> str | None:
    """Return the id of the instance from which a name derives.

    :param pattern: the name with ``{}`` in place of the id.
    :returns: None for a name that is not of Trove.
    """
    before, _, after = pattern.partition('{}')
    found = re.match(f'{re.escape(before)}({_ID}){re.escape(after)}(?:-tenant)?\\Z', name)
    return found[1] if found else None


def owner_metadata(instance_id: str, project_id: str) -> dict[str, str]:
    return {'trove_instance_id': instance_id, 'trove_project_id': project_id}
