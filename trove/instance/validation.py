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

"""Validation of a create and of a new flavor, against the database and the cloud.

Cloud lookups use the token of the request, so that users can only name what they may see. Only the
image, which belongs to the operator, is looked up with the service's credentials. Every failure
names the field of the request.
"""

import ipaddress
import secrets
import string
from collections.abc import Collection
from typing import Any

from oslo_config import cfg
from trove.db.rows import InstanceRow
from trove.db.session import Connection, Row

from trove.cloud import clouds, compute, network
from trove.common import engines, exception, policy
from trove.common.http import schemas
from trove.common.http.views import reference
from trove.datastore import models as datastore_models
from trove.db import backups, datastores, session
from trove.instance import databases_and_users
from trove.instance.actions import configuration, replication
from trove.instance.actions import modules as instance_modules
from trove.instance.models import CheckedRequest, CreateRequest, Nic

CONF = cfg.CONF

LOCALITIES = ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')
#: Keys that a replica inherits from its source.
_INHERITED = frozenset({'flavorRef', 'datastore', 'volume', 'locality', 'databases', 'users'})
#: Largest value of an integer column.
_MAX_INTEGER = 2 ** 31 - 1


def parsed(body: dict[str, Any]) -> CreateRequest:
    """Return the parsed body, which the schema has accepted."""
    requested = body['instance']
    datastore, volume = requested.get('datastore', {}), requested.get('volume', {})
    nics = requested.get('nics', [])
    configuration_id = requested.get('configuration')
    return CreateRequest(
        name=requested['name'],
        flavor_id=reference(requested['flavorRef']) if 'flavorRef' in requested else None,
        volume_size=int(volume['size']) if volume else None, volume_type=volume.get('type'),
        datastore=datastore.get('type'), datastore_version=datastore.get('version'),
        version_number=datastore.get('version_number'),
        databases=tuple(requested.get('databases', ())), users=tuple(requested.get('users', ())),
        backup_id=requested.get('restorePoint', {}).get('backupRef'),
        replica_of=requested.get('replica_of'), replica_count=requested.get('replica_count', 1),
        configuration_id=reference(configuration_id) if 'configuration' in requested else None,
        nic=_nic(nics[0]) if nics else None, availability_zone=requested.get('availability_zone'),
        region=requested.get('region_name'), locality=requested.get('locality'),
        access=requested.get('access'),
        deletion_protection=requested.get('deletion_protection', False),
        modules=tuple(named['id'] for named in requested.get('modules', ())),
        given=frozenset(requested))


def _nic(given: dict[str, str]) -> Nic:
    return Nic(network_id=given.get('network_id', given.get('net-id')),
               subnet_id=given.get('subnet_id'), ip_address=given.get('ip_address'))


def check(context: Any, request: CreateRequest) -> CheckedRequest:
    """Check a create request and look up what it names; change nothing.

    :raises trove.common.exception.TroveError: the message names the wrong field.
    """
    _check_replication(context, request)
    version = _version(request)
    manager = version.manager
    databases, users = _objects(manager, request)
    if request.configuration_id is not None:
        session.read(configuration.find, context, request.configuration_id, version.id)
    _check_backup(context, request, version)
    _check_nic(request.nic)
    _check_placement(request)
    check_access(request.access)
    modules = instance_modules.of_new_instance(context, request.modules, version)
    cloud = clouds.user_cloud(CONF, context)
    flavor = _flavor(cloud, request, version)
    size, volume_type = _volume(cloud, request, version, flavor)
    _check_zone(cloud, request)
    nic = _check_network(cloud, request.nic)
    image_id = image(version)
    return CheckedRequest(
        name=request.name, version=version, flavor_id=flavor.id, ram=flavor.ram, vcpus=flavor.vcpus,
        image_id=image_id, volume_support=_settings(manager).volume_support, volume_size=size,
        volume_type=volume_type, databases=databases, users=users, nic=nic,
        availability_zone=request.availability_zone, region=CONF.service_credentials.region_name,
        locality=request.locality, access=request.access, root_password=_root_password(manager),
        deletion_protection=request.deletion_protection, modules=modules,
        configuration_id=request.configuration_id)


# --- checks without the cloud --------------------------------------------------------------------

def _check_replication(context: Any, request: CreateRequest) -> None:
    if request.replica_of is None:
        if request.replica_count > 1:
            raise exception.BadRequest(
                "instance['replica_count'] above 1 needs instance['replica_of'].")
        return
    clashing = sorted(_INHERITED & request.given)
    if clashing:
        raise exception.BadRequest(f"instance['{clashing[0]}'] cannot be given together with "
                                   f"instance['replica_of']: a replica takes it from its source.")
    if request.nic is not None and request.nic.ip_address is not None:
        raise exception.BadRequest(
            "instance['nics'][0]['ip_address'] cannot be given together with "
            "instance['replica_of'].")
    source = replication.check_source(context, request.replica_of)
    # Refused here, so that no instance in ERROR is left behind.
    raise exception.BadRequest(
        f"instance['replica_of'] cannot be used: replicas are not supported for datastore "
        f"{source.manager}.", code='not_supported_by_datastore')


def _version(request: CreateRequest) -> Row:
    """Return the datastore version of a new instance.

    :raises trove.common.exception.NotFound, BadRequest: unknown, ambiguous or inactive version.
    """
    def read(connection: Connection) -> Row:
        return datastore_models.resolve(connection, request.datastore, request.datastore_version,
                                        request.version_number)

    version = session.read(read)
    if not version.active:
        raise exception.BadRequest(
            f"instance['datastore']['version'] {version.name} is not active.")
    if version.manager not in CONF:
        raise exception.BadRequest(
            f"instance['datastore'] {version.datastore_name} cannot be created: the service has "
            f"no settings for its manager '{version.manager}'.")
    return version


def _objects(manager: str,
             request: CreateRequest) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    able = engines.of(manager).capabilities
    for capability, given in ((engines.DATABASES, request.databases),
                              (engines.USERS, request.users)):
        if given and capability not in able:
            raise exception.BadRequest(
                f"instance['{capability}'] is not supported for datastore {manager}.")
    databases = databases_and_users.check_databases(manager, request.databases,
                                                    "instance['databases']")
    users = databases_and_users.check_users(
        manager, request.users, "instance['users']",
        known_databases=[database['name'] for database in databases])
    return databases, users


def _check_backup(context: Any, request: CreateRequest, version: Row) -> None:
    """Refuse every backup: first the unusable ones, then all, because restore is not supported yet.
    """
    if request.backup_id is None:
        return
    backup = policy.owned(context, session.read(backups.get, request.backup_id), request.backup_id)
    if backup.state not in backups.USABLE:
        raise exception.Conflict(
            f'Backup {backup.id} cannot be restored: its status is {backup.state}.')
    if backup.datastore_id != version.datastore_id:
        raise exception.BadRequest(
            f"instance['restorePoint']['backupRef'] {backup.id} was made of another datastore "
            f"({backup.datastore_name}).")
    if request.volume_size is not None and (backup.size or 0) > request.volume_size:
        raise exception.Forbidden(
            f"Backup {backup.id} has {backup.size} GB, more than the {request.volume_size} GB of "
            f"instance['volume']['size'].")
    raise exception.BadRequest(
        f"instance['restorePoint'] cannot be used: restoring backups is not supported for "
        f"datastore {version.manager}.", code='not_supported_by_datastore')


def _check_nic(nic: Nic | None) -> None:
    if nic is None:
        return
    if nic.network_id is None and nic.subnet_id is None:
        raise exception.BadRequest("instance['nics'][0] needs 'network_id' or 'subnet_id'.")
    if nic.ip_address is not None and nic.subnet_id is None:
        raise exception.BadRequest("instance['nics'][0]['ip_address'] needs 'subnet_id'.")


def check_access(access: dict[str, Any] | None) -> None:
    """Refuse a malformed network that the schema lets through.

    :raises trove.common.exception.BadRequest: the message names the network.
    """
    for position, cidr in enumerate((access or {}).get('allowed_cidrs', ())):
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            raise exception.BadRequest(f"instance['access']['allowed_cidrs'][{position}] "
                                       f"{schemas.CIDR['reason']}.") from None


def _check_placement(request: CreateRequest) -> None:
    if request.locality is not None and request.locality not in LOCALITIES:
        raise exception.BadRequest(f"instance['locality'] must be one of {', '.join(LOCALITIES)}.")
    home = CONF.service_credentials.region_name
    if request.region is not None and request.region != home:
        raise exception.BadRequest(
            f"instance['region_name'] '{request.region}' is not a region of this service; "
            f"use '{home}' or leave it out.")


def _settings(manager: str) -> Any:
    if manager not in CONF:
        raise exception.NotSupported(
            f"The service has no settings for the datastore manager '{manager}'.")
    return CONF[manager]


def _root_password(manager: str) -> str | None:
    settings = _settings(manager)
    if not settings.root_on_create:
        return None
    alphabet = string.ascii_letters + string.digits
    return ''.join(secrets.choice(alphabet) for _ in range(settings.default_password_length))


# --- checks against the cloud --------------------------------------------------------------------

def _flavor(cloud: clouds.Cloud, request: CreateRequest, version: Row) -> compute.Flavor:
    if request.flavor_id is None:
        raise exception.BadRequest("instance['flavorRef'] is required.")
    allowed = session.read(datastores.bound, version.id, 'flavor')
    if allowed and request.flavor_id not in allowed:
        raise exception.BadRequest(
            f"instance['flavorRef'] {request.flavor_id[:255]} is not allowed for datastore "
            f"version {version.name}.")
    try:
        return cloud.compute.get_flavor(request.flavor_id)
    except exception.CloudNotFound:
        raise exception.BadRequest(
            f"instance['flavorRef'] {request.flavor_id[:255]} cannot be found.") from None


def _volume(cloud: clouds.Cloud, request: CreateRequest, version: Row,
            flavor: compute.Flavor) -> tuple[int | None, str | None]:
    """Return size in GB and type of the data volume; both None for data on the root disk.
    """
    settings = _settings(version.manager)
    if not settings.volume_support:
        if request.volume_size is not None:
            raise exception.NotSupported(
                f"instance['volume'] is not supported for datastore {version.manager}.")
        if settings.device_path and not flavor.ephemeral:
            raise exception.BadRequest(
                f"instance['flavorRef'] {flavor.id} has no ephemeral disk, which datastore "
                f"{version.manager} needs.")
        return None, None
    if request.volume_size is None:
        raise exception.BadRequest(
            "instance['volume'] is required: its 'size' is the size of the data volume in GB.")
    maximum = CONF.max_accepted_volume_size if CONF.max_accepted_volume_size >= 0 else _MAX_INTEGER
    if request.volume_size > maximum:
        raise exception.OverLimit(
            f"instance['volume']['size'] {str(request.volume_size)[:20]} GB is more than the "
            f"maximum of {maximum} GB.")
    return request.volume_size, _volume_type(cloud, request.volume_type, version)


def _volume_type(cloud: clouds.Cloud, requested: str | None, version: Row) -> str | None:
    allowed = session.read(datastores.bound, version.id, 'volume_type')
    if requested is None:
        if allowed:
            raise exception.BadRequest(
                f"instance['volume']['type'] is required for datastore version {version.name}: "
                f"one of {', '.join(allowed)}.")
        return None
    found = next((kind for kind in cloud.volume.volume_types() if requested in (kind.id,
                                                                                kind.name)),
                 None)
    if found is None:
        raise exception.BadRequest(f"instance['volume']['type'] {requested} cannot be found.")
    if allowed and not {found.id, found.name} & set(allowed):
        raise exception.BadRequest(
            f"instance['volume']['type'] {requested} is not allowed for datastore version "
            f"{version.name}.")
    return found.name


def _check_zone(cloud: clouds.Cloud, request: CreateRequest) -> None:
    zone = request.availability_zone
    if zone is not None and zone not in cloud.compute.availability_zones():
        raise exception.BadRequest(f"instance['availability_zone'] '{zone}' cannot be found.")


def _check_network(cloud: clouds.Cloud, nic: Nic | None) -> Nic | None:
    """Return the nic with its network set."""
    if nic is None:
        return None
    place = "instance['nics'][0]"
    subnet = None
    if nic.subnet_id is not None:
        try:
            subnet = cloud.network.get_subnet(nic.subnet_id)
        except exception.CloudNotFound:
            raise exception.BadRequest(
                f"{place}['subnet_id'] {nic.subnet_id} cannot be found.") from None
        if nic.network_id is not None and subnet.network_id != nic.network_id.lower():
            raise exception.BadRequest(
                f"{place}['subnet_id'] {nic.subnet_id} is not in network {nic.network_id}.")
        if nic.ip_address is not None and ipaddress.ip_address(
                nic.ip_address) not in ipaddress.ip_network(subnet.cidr):
            raise exception.BadRequest(
                f"{place}['ip_address'] {nic.ip_address} is not in subnet {subnet.cidr}.")
    network_id = nic.network_id or (subnet.network_id if subnet else '')
    try:
        cloud.network.get_network(network_id)
    except exception.CloudNotFound:
        raise exception.BadRequest(f"{place}['network_id'] {network_id} cannot be found.") from None
    if not CONF.network.network_isolation:
        _check_overlap(subnet_list=[subnet] if subnet else cloud.network.subnets(network_id),
                       place=place)
    return Nic(network_id=network_id, subnet_id=nic.subnet_id, ip_address=nic.ip_address)


def _check_overlap(subnet_list: list[network.Subnet], place: str) -> None:
    """Refuse a tenant network that overlaps a management network, which is routed beside it."""
    service = clouds.service_cloud(CONF).network
    ours = list(CONF.reserved_network_cidrs)
    for management_network in CONF.management_networks[-1:]:
        ours += [subnet.cidr for subnet in service.subnets(management_network)]
    for subnet in subnet_list:
        for cidr in ours:
            theirs, reserved = ipaddress.ip_network(subnet.cidr), ipaddress.ip_network(
                cidr, strict=False)
            if theirs.version == reserved.version and theirs.overlaps(reserved):
                raise exception.BadRequest(
                    f'{place} {subnet.cidr} overlaps {cidr}, which the service keeps for '
                    f'itself; use another network.')


def image(version: Row, place: str = "instance['datastore']['version']") -> str:
    """Return the id of the image for new servers of a version.

    :param place: path of the version in the request, for messages.
    :raises trove.common.exception.BadRequest: no such image exists.
    """
    service = clouds.service_cloud(CONF)
    if version.image_id:
        try:
            return service.image.get_image(version.image_id).id
        except exception.CloudNotFound:
            raise exception.BadRequest(
                f'{place} {version.name} is not available: its image is missing. Contact '
                f'the operator.') from None
    tags = [tag for tag in (version.image_tags or '').split(',') if tag]
    found = service.image.find_by_tags(tags, owner=service.project_id)
    if found is None:
        raise exception.BadRequest(
            f'{place} {version.name} is not available: no image has its tags. Contact the '
            f'operator.')
    return found.id


def rebuild_image(row: InstanceRow, image_id: str) -> str:
    """Return the id of the image that an administrator has named for a rebuild.

    :raises trove.common.exception.BadRequest: the image is missing or not active.
    """
    try:
        found = clouds.service_cloud(CONF, row.region_id).image.get_image(image_id)
    except exception.CloudNotFound:
        raise exception.BadRequest(f"rebuild['image_id'] {image_id} cannot be found.") from None
    if found.status != 'active':
        raise exception.BadRequest(f"rebuild['image_id'] {image_id} is {found.status}, not active.")
    return found.id


# --- new flavor ----------------------------------------------------------------------------------

def new_flavor(context: Any, row: InstanceRow, flavor_id: str) -> tuple[compute.Flavor,
                                                                        compute.Flavor]:
    """Return the requested and the current flavor of an instance.

    :raises trove.common.exception.BadRequest: the same flavor, or a flavor that does not fit.
    :raises trove.common.exception.NotSupported: the flavor has an ephemeral disk.
    """
    place = f"resize['flavorRef'] {flavor_id[:255]}"
    if flavor_id == row.flavor_id:
        raise exception.BadRequest(f'{place} is the flavor that the instance has already.')
    cloud = clouds.user_cloud(CONF, context)
    try:
        new = cloud.compute.get_flavor(flavor_id)
    except exception.CloudNotFound:
        raise exception.BadRequest(f'{place} cannot be found.') from None
    former = _former(cloud, row)
    check_flavor(row, new, former,
                 session.read(datastores.bound, row.datastore_version_id, 'flavor'),
                 _settings(row.manager))
    return new, former


def check_flavor(row: InstanceRow, new: compute.Flavor, former: compute.Flavor,
                 allowed: Collection[str],
                 settings: Any) -> None:
    """Refuse a flavor that the server of an instance cannot go over to; see :func:`new_flavor`.

    :param allowed: ids of the flavors of the datastore version; empty for any.
    :param settings: options of the datastore's manager.
    """
    place = f"resize['flavorRef'] {new.id}"
    if allowed and new.id not in allowed:
        raise exception.BadRequest(
            f'{place} is not allowed for datastore version {row.version_name}.')
    if new.name == former.name:
        raise exception.BadRequest(f'{place} is the flavor that the instance has already.')
    if row.volume_support and new.ephemeral:
        raise exception.NotSupported(
            f'{place} has an ephemeral disk, which instances with a volume do not use.')
    if not row.volume_support and settings.device_path and not new.ephemeral:
        raise exception.BadRequest(
            f'{place} has no ephemeral disk, which datastore {row.manager} needs.')
    if new.disk < former.disk and not CONF.volume_rootdisk_support:
        raise exception.BadRequest(
            f'{place} has a smaller disk ({new.disk} GB) than the one the instance has '
            f'({former.disk} GB); a disk does not shrink.')


def _former(cloud: clouds.Cloud, row: InstanceRow) -> compute.Flavor:
    """Return the current flavor of an instance. Without it a resize could not be reverted."""
    for sight in (cloud, clouds.service_cloud(CONF, row.region_id)):
        try:
            return sight.compute.get_flavor(row.flavor_id)
        except exception.CloudNotFound:
            continue
    raise exception.BadRequest(
        f'The flavor of instance {row.id} is no longer in the cloud: a resize could not be '
        f'reverted. Contact the operator.')
