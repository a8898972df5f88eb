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

"""The RPC endpoint and the periodic tasks of a task manager.

Periodic tasks look and wake operations; only operations act.
"""

from datetime import datetime
from typing import Any

from oslo_log import log as logging

from trove.cloud.clouds import Cloud
from trove.common import exception, notification
from trove.db import flavors, operations, outbox, session
from trove.taskmanager import flows, metrics, outcome
from trove.taskmanager.guest_bus import Identities
from trove.taskmanager.models import Runner
from trove.taskmanager.notifier import Notifier
from trove.taskmanager.periodic import PeriodicTasks
from trove.taskmanager.scheduler import Scheduler
from trove.taskmanager.step import Tools
from trove.taskmanager.watch import Watch

LOG = logging.getLogger(__name__)

#: Operations found in one sweep; the next one finds more.
SWEEP_LIMIT = 500


class Manager:
    """The work of one task manager process.

    :param owner: name of this process in the journal.
    """

    def __init__(self, tools: Tools, owner: str) -> None:
        options = tools.conf.taskmanager
        self.tools = tools
        self.runner = Runner(flows.registry(), tools, owner, later=self._later,
                             on_close=self._closed, on_step=metrics.observe_step)
        metrics.register(tools.clock)
        self.scheduler = Scheduler(self.runner.advance, tools.clock, options.workers)
        self.periodic_tasks = PeriodicTasks(owner, tools.clock)
        self.notifier = Notifier(tools.conf, tools.clock)
        self.notifier.stopping = self.runner.stopping.is_set
        self.watch = Watch(tools.conf, tools.clock, tools.cloud)
        self.identities = Identities(tools.conf, tools.broker, tools.keys, tools.clock)

    def _later(self, operation_id: str, when: datetime) -> None:
        self.scheduler.later(operation_id, when)

    def _closed(self, closed: outcome.Closed) -> None:
        took = (self.tools.clock() - closed.work.created).total_seconds()
        metrics.OPERATIONS.observe(took, closed.work.kind, closed.state)

    # --- RPC -----------------------------------------------------------------------------------

    def wake(self, context: Any, operation_id: str) -> None:
        """Advance an operation that another service reports as due."""
        self.scheduler.now(operation_id)

    # --- periodic ------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Find operations that are due, in case a wake-up was lost."""
        for operation_id in session.read(operations.due, self.tools.clock(), SWEEP_LIMIT):
            self.scheduler.now(operation_id)

    def renew_leases(self) -> None:
        self.runner.renew_leases()

    def refresh_flavors(self) -> None:
        """Copy the flavors and volume types of the cloud, which the API serves from the database.
        """
        region = self.tools.conf.service_credentials.region_name
        try:
            cloud: Cloud = self.tools.cloud(region)
            found = cloud.compute.flavors()
            types = cloud.volume.volume_types()
        except exception.CloudError as error:
            LOG.warning('Flavors and volume types could not be refreshed: %s %s', error.message,
                        error.detail)
            return
        now = self.tools.clock()
        with session.writer() as connection:
            flavors.replace_flavors(connection, region, [
                {'id': flavor.id, 'name': flavor.name, 'ram': flavor.ram, 'vcpus': flavor.vcpus,
                 'disk': flavor.disk, 'ephemeral': flavor.ephemeral, 'is_public': flavor.is_public}
                for flavor in found], now)
            flavors.replace_volume_types(connection, region, [
                {'id': type_.id, 'name': type_.name, 'is_public': type_.is_public,
                 'description': (type_.description or '')[:255]} for type_ in types], now)

    def send_notifications(self) -> None:
        """Send the recorded notifications."""
        # Usually none: one read of one row by each task manager.
        if notification.enabled(self.tools.conf) and session.read(outbox.first, 1):
            self.periodic_tasks.run('notifications', 0, self.notifier.send)

    def write_usage(self) -> None:
        """Record the notifications about usage that are due."""
        conf = self.tools.conf
        if not notification.enabled(conf):
            return
        if conf.exists_notification_transformer:
            self.periodic_tasks.run('exists', self.notifier.until_next_period(),
                                    self.notifier.exists)
        if conf.quota_notification_interval:
            self.periodic_tasks.run('quotas', conf.quota_notification_interval,
                                    self.notifier.quotas)

    def look_at_guests(self) -> None:
        """Find guests that no longer report."""
        self.periodic_tasks.run('silence', self.tools.conf.taskmanager.silence_interval,
                                self.watch.guests)

    def look_at_cloud(self) -> None:
        """Find resources that were changed outside of this service."""
        self.periodic_tasks.run('watch', self.tools.conf.taskmanager.watch_interval,
                                self.watch.resources)

    def repair_guest_bus(self) -> None:
        """Restore identities of guests that the broker has lost."""
        interval = self.tools.conf.taskmanager.guest_bus_interval
        if interval and self.tools.broker.provisions:
            self.periodic_tasks.run('guest_bus', interval, self.identities.repair_as_task)

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        self.scheduler.start()

    def stop(self) -> None:
        """Stop: each operation is released after its current step."""
        self.runner.stopping.set()
        self.scheduler.stop()
