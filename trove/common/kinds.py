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

"""Kinds of operations and of the resources they work on.

The values are stored in the database and shown by the API; they never change.
"""

import enum


class ResourceType(enum.StrEnum):
    """Resource of an operation or event."""

    INSTANCE = 'instance'
    BACKUP = 'backup'
    CONFIGURATION = 'configuration'
    MODULE = 'module'


class OperationKind(enum.StrEnum):
    """Kind of an operation: the flow that carries it out."""

    INSTANCE_CREATE = 'instance_create'
    INSTANCE_DELETE = 'instance_delete'
    INSTANCE_RESTART = 'instance_restart'
    INSTANCE_REBOOT = 'instance_reboot'
    INSTANCE_START = 'instance_start'
    INSTANCE_STOP = 'instance_stop'
    INSTANCE_RESIZE_VOLUME = 'instance_resize_volume'
    INSTANCE_RESIZE_FLAVOR = 'instance_resize_flavor'
    INSTANCE_REBUILD = 'instance_rebuild'
    INSTANCE_UPGRADE = 'instance_upgrade'
    INSTANCE_UPGRADE_AGENT = 'instance_upgrade_agent'
    INSTANCE_MIGRATE = 'instance_migrate'
    INSTANCE_MIGRATE_LIVE = 'instance_migrate_live'
    INSTANCE_UPDATE_ACCESS = 'instance_update_access'
    INSTANCE_ATTACH_CONFIGURATION = 'instance_attach_configuration'
    INSTANCE_DETACH_CONFIGURATION = 'instance_detach_configuration'
    INSTANCE_UPDATE_CONFIGURATION = 'instance_update_configuration'
    INSTANCE_PROMOTE = 'instance_promote'
    INSTANCE_EJECT = 'instance_eject'
    INSTANCE_DETACH_REPLICA = 'instance_detach_replica'
    INSTANCE_PUBLISH_LOG = 'instance_publish_log'
    INSTANCE_DISCARD_LOG = 'instance_discard_log'
    BACKUP_CREATE = 'backup_create'
    BACKUP_DELETE = 'backup_delete'
    CONFIGURATION_UPDATE = 'configuration_update'
    CONFIGURATION_EDIT = 'configuration_edit'
    MODULE_REAPPLY = 'module_reapply'
