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

"""Facts of operations: values that a step returns for later steps and for its own next attempt.

A step names the facts it reads, a flow the facts its steps return. mypy checks names and types. No
fact is required, because each exists only from its step on; :attr:`Step.needs` and
:attr:`Step.gives` declare the order, which is tested for each flow. The names are stored in the
journal (``operations.facts``): a release that renames one must still read the former name.
"""

from typing import TypedDict


class Nothing(TypedDict, total=False):
    """No facts."""


class Server(TypedDict, total=False):
    """Nova server of the operation."""

    server_id: str


class Network(TypedDict, total=False):
    """Neutron resources; null where the instance has none."""

    security_group_id: str | None
    management_port_id: str | None
    tenant_port_id: str | None


class Volume(TypedDict, total=False):
    """Data volume; null without one. ``new_volume``: this operation created it."""

    volume_id: str | None
    new_volume: bool


class Image(TypedDict, total=False):
    """Image of a new server."""

    image_id: str


class Build(Server, Network, Volume, Image, total=False):
    """Facts from which a server is built."""

    server_group_id: str | None


class Command(TypedDict, total=False):
    """Last command to the guest: time of sending in ISO format, and boot id of the receiver."""

    command_sent: str | None
    command_boot: str | None


class Options(Command, total=False):
    """Digest of the values of a configuration group that were sent."""

    digest: str | None


class Prepare(Options, Server, Volume, total=False):
    """Preparation of a guest. ``problems``: sentences about databases and users not created."""

    problems: list[str]


class Create(Build, Prepare, total=False):
    """Facts of instance_create."""


class Power(Server, Volume, Command, total=False):
    """Facts of instance_reboot and instance_start.

    ``boot_before``: boot id of the agent's last run; ``was_off``: the server was off;
    ``was_resizing``: Nova had a resize in progress.
    """

    boot_before: str
    was_off: bool
    was_resizing: bool


#: Requests to Nova that must not be repeated: sent, or the answer to the confirmation.
Requests = TypedDict('Requests', {'resize_asked': bool, 'migration_asked': bool,
                                  'confirm_asked': str, 'return_confirmed': str}, total=False)


class Settled(TypedDict, total=False):
    """``quota_settled``: the instance's row has the new size, so a failure returns no quota."""

    quota_settled: bool


class ResizeFlavor(Server, Command, Requests, Settled, total=False):
    """Facts of instance_resize_flavor."""


class Start(Power, Requests, total=False):
    """Facts of instance_start."""


class Migrate(Server, Command, Requests, total=False):
    """Facts of instance_migrate and instance_migrate_live. ``host_before``: key of the host."""

    host_before: str


#: Requests to Cinder that must not be repeated, by way.
ExtendRequests = TypedDict('ExtendRequests', {'online_extend_asked': bool,
                                              'offline_extend_asked': bool}, total=False)


class ResizeVolume(Server, Command, Settled, ExtendRequests, total=False):
    """Facts of instance_resize_volume. ``way``: online or offline."""

    volume_id: str
    way: str


#: True if the guest received the request to hand over its data.
HandOver = TypedDict('HandOver', {'asked_to_hand_over': bool}, total=False)


class Reimage(Server, Command, HandOver, total=False):
    """Facts of instance_rebuild and instance_upgrade: numbers of the builds."""

    new_build: int
    former_build: int


class StoredLog(Command, total=False):
    """State of a published log, as reported by the guest."""

    log_first: str
    log_size: int
    log_digest: str
    log_file: str
    log_type: str


class ReapplyModule(TypedDict, total=False):
    """Progress of module_reapply."""

    last_instance: str
    applied: int
    left_out: int
