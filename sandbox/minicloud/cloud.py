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

"""One cloud: its records, machines, background jobs and settings."""

import dataclasses
import datetime
import time
import uuid
from collections.abc import Callable

from minicloud import faults as fault_plan
from minicloud import work
from minicloud.hypervisor import Hypervisor
from minicloud.state import State


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of a cloud that its operator chooses."""

    region: str = 'RegionOne'
    availability_zone: str = 'nova'
    #: Compute host of new servers, as admins see it.
    host: str = 'minicloud'
    #: Further names of this machine, so that servers can be moved to another host.
    other_hosts: tuple[str, ...] = ('minicloud-2',)
    #: True: machines that should run are started when this process starts.
    resume: bool = True
    #: Directory of uploaded images; None refuses uploads.
    image_directory: str | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of all compute hosts."""
        return self.host, *self.other_hosts


class Cloud:
    """State and services that handlers and jobs use."""

    def __init__(self, state: State, hypervisor: Hypervisor,
                 clock: Callable[[], float] = time.time, settings: Settings | None = None,
                 work_mode: str = 'threads', workers: int = 8,
                 sleep: Callable[[float], None] = time.sleep):
        self.state = state
        self.hypervisor = hypervisor
        self.clock = clock
        self.sleep = sleep
        self.settings = settings or Settings()
        self.faults = fault_plan.FaultPlan()
        self.work = work.Work(state, self.faults, self, work_mode, workers)

    def time(self, moment: float | None = None) -> str:
        """Return a moment (default: now) as ``2026-01-31T12:00:00Z``."""
        moment = self.clock() if moment is None else moment
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime(
            '%Y-%m-%dT%H:%M:%SZ')

    @staticmethod
    def new_id() -> str:
        """Return a new random id."""
        return str(uuid.uuid4())
