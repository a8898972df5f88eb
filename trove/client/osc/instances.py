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

"""Commands of python-troveclient that start an operation of an instance, with ``--wait``."""

import argparse
from typing import Any

from troveclient.osc.v1 import database_instances as theirs

from trove.client.osc.waiting import Waiting, identifier


class CreateInstance(Waiting, theirs.CreateDatabaseInstance):
    """Create an instance; with ``--wait`` show it as it is when it serves."""

    def shown_after(self, database: Any, shown: Any) -> Any:
        """Return the instance with the addresses that it has by now."""
        instance = database.instances.get(identifier(shown))
        fields = theirs.set_attributes_for_print_detail(instance)
        return tuple(zip(*sorted(fields.items()), strict=True))

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the instance as it is after the request, or after the wait."""
        return tuple(super().take_action(parsed_args))


class DeleteInstance(Waiting, theirs.DeleteDatabaseInstance):
    """Delete instances."""


class DetachInstance(Waiting, theirs.DetachDatabaseInstanceReplica):
    """Detach a replica from its source."""


class EjectInstance(Waiting, theirs.EjectDatabaseInstanceReplicaSource):
    """Eject an unreachable replication source."""


class PromoteInstance(Waiting, theirs.PromoteDatabaseInstanceToReplicaSource):
    """Promote a replica."""


class RebootInstance(Waiting, theirs.RebootDatabaseInstance):
    """Reboot the server of an instance."""


class RebuildInstance(Waiting, theirs.RebuildDatabaseInstance):
    """Rebuild the server of an instance."""


class ResizeInstanceFlavor(Waiting, theirs.ResizeDatabaseInstanceFlavor):
    """Give an instance another flavor."""


class ResizeInstanceVolume(Waiting, theirs.ResizeDatabaseInstanceVolume):
    """Enlarge the volume of an instance."""


class RestartInstance(Waiting, theirs.RestartDatabaseInstance):
    """Restart the engine of an instance."""


class UpgradeInstance(Waiting, theirs.UpgradeDatabaseInstance):
    """Upgrade an instance to another datastore version."""
