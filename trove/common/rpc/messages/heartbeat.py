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

"""Periodic report of a guest."""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common import states
from trove.common.rpc.messages import base
from trove.common.rpc.messages import command

MAX_RESULTS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heartbeat(base.Message):
    """Report. State of a guest, sent every ``report_interval`` seconds and when something changed.

    :param service_status: one of :data:`trove.common.states.ServiceStatus.REPORTABLE`.
    :param reason: sentence about an unhealthy state, else "".
    :param boot_id: run of the agent, as in the header.
    :param volume: ``{"total", "used", "available"}`` in bytes, empty before the volume is mounted.
    :param engine: ``{"version", "uptime"}`` with uptime in seconds, empty while the engine does not
        answer.
    :param pending_restart: names of parameters that take effect at the next restart.
    :param drift: names of parameters changed in the running engine.
    :param rejection: why the engine runs without its configuration group's options, else "".
    :param results: results of the last few commands.
    """
    KIND: ClassVar[str] = 'Heartbeat'

    service_status: str = base.required(base.one_of(*states.ServiceStatus.REPORTABLE))
    reason: str = base.optional(base.text(255, cut=True), '')
    agent_version: str = base.optional(base.text(64, cut=True), '')
    boot_id: str = base.optional(base.text(36, pattern=r'[0-9A-Za-z.\-]*'), '')
    volume: dict[str, Any] = base.optional(
        base.record(total=base.integer(), used=base.integer(), available=base.integer()), {})
    engine: dict[str, Any] = base.optional(
        base.record(version=base.text(64, cut=True), uptime=base.integer()), {})
    pending_restart: list[str] = base.optional(base.list_of(base.text(128, cut=True), 100), [])
    drift: list[str] = base.optional(base.list_of(base.text(128, cut=True), 100), [])
    rejection: str = base.optional(base.text(255, cut=True), '')
    results: list[command.CommandResult] = base.optional(
        base.list_of(base.message(command.CommandResult), MAX_RESULTS), [])
