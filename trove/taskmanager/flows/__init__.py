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

"""The flows: the steps of each kind of operation.

A new kind is one module in this package and one line in :func:`registry`.
"""

from typing import Any

from trove.taskmanager.flows import backup_create
from trove.taskmanager.flows import backup_delete
from trove.taskmanager.flows import configuration_update
from trove.taskmanager.flows import instance_attach_configuration
from trove.taskmanager.flows import instance_create
from trove.taskmanager.flows import instance_delete
from trove.taskmanager.flows import instance_detach_configuration
from trove.taskmanager.flows import instance_detach_replica
from trove.taskmanager.flows import instance_discard_log
from trove.taskmanager.flows import instance_eject
from trove.taskmanager.flows import instance_migrate
from trove.taskmanager.flows import instance_migrate_live
from trove.taskmanager.flows import instance_promote
from trove.taskmanager.flows import instance_publish_log
from trove.taskmanager.flows import instance_reboot
from trove.taskmanager.flows import instance_rebuild
from trove.taskmanager.flows import instance_resize_flavor
from trove.taskmanager.flows import instance_resize_volume
from trove.taskmanager.flows import instance_restart
from trove.taskmanager.flows import instance_start
from trove.taskmanager.flows import instance_stop
from trove.taskmanager.flows import instance_update_access
from trove.taskmanager.flows import instance_update_configuration
from trove.taskmanager.flows import instance_upgrade
from trove.taskmanager.flows import instance_upgrade_agent
from trove.taskmanager.flows import module_reapply
from trove.taskmanager.step import Flow


def registry() -> dict[str, Flow[Any, Any]]:
    """Return the flows by kind of operation."""
    flows = (instance_create.FLOW, instance_delete.FLOW, instance_restart.FLOW,
             instance_reboot.FLOW, instance_stop.FLOW, instance_update_access.FLOW,
             instance_resize_volume.FLOW, instance_resize_flavor.FLOW, instance_start.FLOW,
             instance_rebuild.FLOW, instance_upgrade.FLOW, instance_migrate.FLOW,
             instance_migrate_live.FLOW, instance_publish_log.FLOW, instance_discard_log.FLOW,
             instance_promote.FLOW, instance_eject.FLOW, instance_detach_replica.FLOW,
             instance_upgrade_agent.FLOW, backup_create.FLOW, backup_delete.FLOW,
             module_reapply.FLOW, instance_attach_configuration.FLOW,
             instance_detach_configuration.FLOW, instance_update_configuration.FLOW,
             configuration_update.UPDATE, configuration_update.EDIT)
    return {flow.kind: flow for flow in flows}
