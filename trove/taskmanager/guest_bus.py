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

"""Comparison of the identities of guests at the broker with the instances in the database.

A broker may lose its data, and people delete accounts and queues by hand. Everything of an identity
follows from the instance's id and key, so it is made again from the database; no guest needs to be
touched, because its password stays the same.
"""

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common.rpc import keys, topology
from trove.db import events, guest_identities, instance_drift, session
from trove.db.session import Connection, Row
from trove.taskmanager.periodic import Lease

LOG = logging.getLogger(__name__)

EVENT = 'instance.guest_bus_repaired'


@dataclasses.dataclass(frozen=True, order=True)
class Difference:
    """Identity that is not as the database requires.

    :ivar missing: labels of the parts that the broker lacks.
    :ivar excess: labels of the parts that belong to no instance.
    """

    instance_id: str
    missing: tuple[str, ...] = ()
    excess: tuple[str, ...] = ()


class Identities:
    """Identities of all guests.

    :param broker: :class:`trove.common.rpc.broker.Broker`.
    """

    def __init__(self, conf: cfg.ConfigOpts, broker: Any, ring: keys.KeyRing,
                 clock: Callable[[], datetime]) -> None:
        self._conf = conf
        self._broker = broker
        self._keys = ring
        self._clock = clock

    def differences(self) -> list[Difference]:
        """Return the identities that are incomplete or belong to no instance, by instance id.

        :raises trove.common.exception.BrokerError: the broker cannot be listed now.
        """
        # Listed before the rows are read: a part in the list has, or had, a row.
        present = self._broker.parts()
        required = session.read(guest_identities.expected)
        return sorted([*self._incomplete(present, required), *self._excess(present, required)])

    def _incomplete(self, present: dict[str, set[str]],
                    required: dict[str, Row]) -> list[Difference]:
        found = []
        for instance_id in required:
            missing = topology.parts(instance_id, self._conf.conductor_queue) - present.get(
                instance_id, set())
            if missing:
                found.append(Difference(instance_id, missing=tuple(sorted(missing))))
        return found

    @staticmethod
    def _excess(present: dict[str, set[str]], required: dict[str, Row]) -> list[Difference]:
        unknown = sorted(present.keys() - required.keys())
        alive = session.read(instance_drift.alive, unknown)
        return [Difference(instance_id, excess=tuple(sorted(present[instance_id])))
                for instance_id in unknown if instance_id not in alive]

    def repair(self, lease: Lease | None = None) -> list[Difference]:
        """Make what is missing and remove what belongs to no instance.

        :param lease: renewed after each identity when this runs as a periodic task.
        :returns: the differences that were repaired.
        :raises trove.common.exception.BrokerError: the broker refused; a retry continues.
        """
        repaired = []
        for difference in self.differences():
            if difference.excess:
                self._broker.remove_guest(difference.instance_id)
                LOG.warning('Instance %s: removed its identity at the broker, as the instance '
                            'is gone', difference.instance_id)
            elif not self._restore(difference):
                continue
            repaired.append(difference)
            if lease is not None:
                session.write(lease.renew)
        return repaired

    def repair_as_task(self, lease: Lease) -> None:
        """Repair as a periodic task; see :meth:`repair`."""
        self.repair(lease)

    def _restore(self, difference: Difference) -> bool:
        instance_id = difference.instance_id
        row = session.read(guest_identities.expected_one, instance_id)
        if row is None:
            return False
        try:
            key = self._keys.open(instance_id, row.encrypted_key)
        except keys.KeySealError as error:
            LOG.error('Instance %s: its identity at the broker cannot be restored: %s',
                      instance_id, error)
            return False
        self._broker.ensure_guest(instance_id, key)
        if session.read(guest_identities.expected_one, instance_id) is None:
            # Deleted meanwhile: the delete may have removed the identity before it was restored.
            self._broker.remove_guest(instance_id)
            return False
        session.write(self._note, row, difference)
        LOG.warning('Instance %s: restored its identity at the broker, which lacked %s',
                    instance_id, ', '.join(difference.missing))
        return True

    def _note(self, connection: Connection, row: Row, difference: Difference) -> None:
        kinds = sorted({part.partition(' ')[0] for part in difference.missing})
        events.add(connection, resource_type='instance', resource_id=row.id,
                   project_id=row.tenant_id, type=EVENT, now=self._clock(),
                   text=f'The broker had lost the guest\'s {", ".join(kinds)}; they were restored.')


def summary(differences: list[Difference]) -> list[tuple[str, str, str]]:
    """Return ``(instance id, state, parts)`` of differences, for a table."""
    return [(item.instance_id, 'missing' if item.missing else 'no instance',
             ', '.join(item.missing or item.excess)) for item in differences]
