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

"""What our resources are called in the cloud. Each name is made from the instance id alone, so that whoever comes
later finds what an earlier try has made."""

import re

#: Key of a server's metadata: which request gave it the image it has.
BUILD_MARK = 'trove_build'

#: Nova refuses longer tags.
MAX_TAG_LENGTH = 60
#: How the names of our volumes and ports begin.
PREFIX = 'trove-'
#: The tag of all our servers.
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
    """The one group of all management ports, when the operator names none."""
    return f'{prefix}-management'


def server_group(instance_id: str) -> str:
    return f'locality_{instance_id}'


def server(name: str, instance_id: str) -> str:
    """What the server of an instance is called: as the user called the instance, as far as Nova takes that.

    Nova refuses control characters, separators, what is beyond the basic multilingual plane, and spaces at the ends.
    """
    taken = ''.join(character if character.isprintable() and ord(character) < 0xFFFF else ' '
                    for character in name)
    return taken.strip() or f'trove-{instance_id}'


def server_tag(instance_id: str) -> str:
    """Finds the server of an instance: server names are the users', and need not be unique."""
    return f'trove_instance_id_{instance_id}'


def server_tags(instance_id: str, manager: str) -> list[str]:
    """User and project ids may be longer than a tag: they are metadata only."""
    return [SERVER_TAG, f'trove_{manager}'[:MAX_TAG_LENGTH], server_tag(instance_id)]


def server_metadata(instance_id: str, project_id: str, user_id: str) -> dict[str, str]:
    return {
        'trove_instance_id': instance_id,
        'trove_project_id': project_id,
        'trove_user_id': user_id
    }


def public_address(instance_id: str) -> str:
    """The description of a floating address of ours: they have no names."""
    return f'Database instance {instance_id}'


def instance_of(name: str, pattern: str = PREFIX + '{}') -> str | None:
    """The id of the instance that a name was made from.

    :param pattern: the name, with ``{}`` in place of the id; what follows the id is not looked at.
    :returns: None for a name that is not one of ours.
    """
    before, _, after = pattern.partition('{}')
    found = re.match(f'{re.escape(before)}({_ID}){re.escape(after)}(?:-tenant)?\\Z', name)
    return found[1] if found else None


def owner_metadata(instance_id: str, project_id: str) -> dict[str, str]:
    return {'trove_instance_id': instance_id, 'trove_project_id': project_id}
