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

"""Arguments of operations, as the API records them in ``operations.args``.

A step names the arguments it reads, a flow the arguments its operations have. mypy checks that a
flow has all arguments of its steps. Secrets are not arguments: see :attr:`Work.secrets`.
"""

from typing import NotRequired, TypedDict


class Nothing(TypedDict):
    """No arguments."""


class Nic(TypedDict):
    """Network of the tenant; the subnet and the address are chosen by Neutron when null."""

    network_id: str
    subnet_id: str | None
    ip_address: str | None


class Database(TypedDict):
    """Database to be created with the instance."""

    name: str
    character_set: NotRequired[str | None]
    collate: NotRequired[str | None]


class Create(TypedDict):
    """Arguments of instance_create. ``modules``: ids, in the order in which they are applied."""

    nic: Nic | None
    databases: list[Database]
    modules: list[str]


class Access(TypedDict):
    """Clients that may connect: CIDRs, and whether the instance has a public address."""

    is_public: bool
    allowed_cidrs: list[str]


class UpdateAccess(TypedDict):
    """Arguments of instance_update_access, which replace the access in the row."""

    access: Access


class FlavorName(TypedDict):
    """Flavor of Nova by id and name."""

    id: str
    name: str


class Flavor(FlavorName):
    """Flavor of Nova; RAM in MB."""

    ram: int
    vcpus: int


class ResizeFlavor(TypedDict):
    """Arguments of instance_resize_flavor. ``quota``: MB of RAM consumed by the request."""

    flavor: Flavor
    former: Flavor
    quota: dict[str, int]


class ResizeVolume(TypedDict):
    """Arguments of instance_resize_volume: sizes in GB. ``quota``: GB consumed by the request."""

    size: int
    former_size: int
    quota: dict[str, int]


class Migrate(TypedDict):
    """Arguments of instance_migrate and instance_migrate_live. ``host``: null: Nova chooses."""

    host: str | None


class Version(TypedDict):
    """Datastore version."""

    id: str
    name: str
    number: str | None


class Reimage(TypedDict):
    """Arguments of instance_rebuild; instance_upgrade also has both versions."""

    image_id: str
    former_image_id: str
    version: NotRequired[Version]
    former_version: NotRequired[Version]


class Configuration(TypedDict):
    """Arguments of operations on an instance's configuration group."""

    configuration_id: str


class UpdateConfiguration(Configuration):
    """Arguments of instance_update_configuration. ``values``: digest at the time of the request."""

    values: str


class Log(TypedDict):
    """Arguments of instance_discard_log: the name of the log."""

    log: str


class PublishLog(Log):
    """Arguments of instance_publish_log. ``start_over``: discard what was published before."""

    start_over: bool


class UpgradeAgent(TypedDict, total=False):
    """Arguments of instance_upgrade_agent, as in the request."""

    instance_version: str
    location: str
    metadata: str | None


class ReapplyModule(TypedDict):
    """Arguments of module_reapply.

    ``md5``: only instances with these contents; ``force``: also instances with the current
    contents; ``tenant_id``: only instances of this project. Null applies no filter.
    ``batch_delay``: seconds between batches.
    """

    md5: str | None
    include_clustered: bool
    batch_size: int
    batch_delay: float
    force: bool
    tenant_id: str | None


class CreateBackup(TypedDict):
    """Arguments of backup_create. ``container``: of the object store."""

    backup_id: str
    container: str | None
