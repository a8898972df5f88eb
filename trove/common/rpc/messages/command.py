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

"""Commands of the control plane to one guest, and their results.

Long commands (Prepare, Restart) are casts. The guest writes the command id into its journal, runs
the command at most once and sends a CommandResult, which its heartbeats repeat until a later
command supersedes it. Short commands are calls.
"""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common.rpc.messages import base

DONE = 'done'
FAILED = 'failed'

#: Maximum size of a result's facts in bytes of JSON.
MAX_DATA = 16 * 1024

DATABASE = base.needing(base.record(
    name=base.text(255, shortest=1),
    character_set=base.nullable(base.text(64)),
    collate=base.nullable(base.text(64)),
), 'name')

USER = base.needing(
    base.record(
        name=base.text(255, shortest=1),
        password=base.nullable(base.text(255)),
        host=base.nullable(base.text(255)),
        databases=base.list_of(base.needing(base.record(name=base.text(255, shortest=1)), 'name'),
                               1000),
    ), 'name')

#: Options of a configuration group: name -> true, false, a number or text.
OPTIONS = base.mapping(base.scalar(1024), 1000, longest=128)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command(base.Message):
    """Base of all commands.

    :param command_id: id of the command; a guest runs it at most once. Required for casts.
    :param operation_id: operation of the journal that sends the command, if any.
    :param deadline: seconds the sender waits for the result; 0 for no limit.
    """
    command_id: str = base.optional(base.text(36), '')
    operation_id: str = base.optional(base.text(36), '')
    deadline: int = base.optional(base.integer(0, 7 * 86400), 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepare(Command):
    """Cast. Set up the database server in idempotent steps; a repeated command resumes.

    Answers ``data``: ``{"volume", "engine"}`` as in heartbeats, and ``"problems"``: a sentence for
    each database or user that the engine refused; the server works without those.

    :param databases: ``[{"name", "character_set", "collate"}]``.
    :param users: ``[{"name", "password", "host", "databases": [{"name"}]}]``.
    :param config_contents: rendered base configuration of the engine.
    :param device: ``{"volume_id", "device_path"}``; both null if the data is on the root disk.
    :param memory_mb: memory of the flavor.
    :param root_password: password of a remote root account, null for none.
    :param options: options of the configuration group, as in ApplyConfiguration. Options the engine
        does not start with are omitted; heartbeats report the reason.
    :param new_volume: whether this operation created the volume, so that it may be formatted.
    """
    KIND: ClassVar[str] = 'Prepare'

    datastore_version: str = base.required(base.text(64, shortest=1))
    mount_point: str = base.required(base.text(255, pattern=r'/[^\x00]*'))
    memory_mb: int = base.required(base.integer(1, 2 ** 32))
    config_contents: str = base.optional(base.text(256 * 1024), '')
    device: dict[str, Any] = base.optional(base.record(
        volume_id=base.nullable(base.text(64)), device_path=base.nullable(base.text(255))), {})
    new_volume: bool = base.optional(base.flag(), False)
    databases: list[dict[str, Any]] = base.optional(base.list_of(DATABASE, 1000), [])
    users: list[dict[str, Any]] = base.optional(base.list_of(USER, 1000), [])
    root_password: str | None = base.optional(base.nullable(base.text(255)))
    options: dict[str, Any] = base.optional(OPTIONS, {})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restart(Command):
    """Cast. Restart the engine and wait until it answers queries."""
    KIND: ClassVar[str] = 'Restart'


@dataclasses.dataclass(frozen=True, kw_only=True)
class StopDatabase(Command):
    """Cast. Stop the engine until a command starts it.

    :param do_not_start_on_reboot: keep the engine stopped after a reboot as well.
    """
    KIND: ClassVar[str] = 'StopDatabase'

    do_not_start_on_reboot: bool = base.optional(base.flag(), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ping(Command):
    """Call. Answer: ``{"boot_id", "agent_version"}``."""
    KIND: ClassVar[str] = 'Ping'


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandResult(base.Message):
    """Report. Outcome of a cast command.

    :param kind: kind of the command.
    :param outcome: "done" or "failed".
    :param step: the step that failed, or the last completed step.
    :param error_code: code of :mod:`trove.common.errors` for a failure.
    :param message: sentence for the user for a failure.
    :param data: facts for the flow (volume use, engine version, …); no secrets.
    """
    KIND: ClassVar[str] = 'CommandResult'

    command_id: str = base.required(base.text(36, shortest=1, pattern=r'[0-9A-Za-z\-]+'))
    operation_id: str = base.optional(base.text(36, pattern=r'[0-9A-Za-z\-]*'), '')
    kind: str = base.required(base.text(64, shortest=1, pattern='[A-Za-z]+'))
    outcome: str = base.required(base.one_of(DONE, FAILED))
    step: str = base.optional(base.text(64, cut=True), '')
    error_code: str = base.optional(base.text(64, pattern='[a-z_0-9]*'), '')
    message: str = base.optional(base.text(1000, cut=True), '')
    data: dict[str, Any] = base.optional(base.data(MAX_DATA), {})
