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

#: Nova refuses longer tags.
MAX_TAG_LENGTH = 60


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
    taken = ''.join(character if character.isprintable() and ord(character) < 0xFFFF else ' ' for character in name)
    return taken.strip() or f'trove-{instance_id}'


def server_tag(instance_id: str) -> str:
    """Finds the server of an instance: server names are the users', and need not be unique."""
    return f'trove_instance_id_{instance_id}'


def server_tags(instance_id: str, manager: str) -> list[str]:
    """User and project ids may be longer than a tag: they are metadata only."""
    return ['trove_instance', f'trove_{manager}'[:MAX_TAG_LENGTH], server_tag(instance_id)]


def server_metadata(instance_id: str, project_id: str, user_id: str) -> dict[str, str]:
    return {'trove_instance_id': instance_id, 'trove_project_id': project_id, 'trove_user_id': user_id}


def owner_metadata(instance_id: str, project_id: str) -> dict[str, str]:
    return {'trove_instance_id': instance_id, 'trove_project_id': project_id}
