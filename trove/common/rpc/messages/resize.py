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

"""Commands for resizing: the data volume given back and grown, the engine started with what fits its new machine."""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command


@dataclasses.dataclass(frozen=True, kw_only=True)
class StartDatabase(Command):
    """Cast. Mount the data volume if it is not, start the engine and wait until it answers queries.

    :param config_contents: base configuration to start it with; a running engine is restarted for it. "": the one
        it has.
    """
    KIND: ClassVar[str] = 'StartDatabase'

    config_contents: str = base.optional(base.text(256 * 1024), '')


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleaseVolume(Command):
    """Cast. Stop the engine and unmount the data volume; both stay so until they are asked for, or a reboot."""
    KIND: ClassVar[str] = 'ReleaseVolume'


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowVolume(Command):
    """Cast. Let the file system of the data volume fill its device, and see to it that the engine runs.

    While the engine runs if the kernel lets the agent, else the engine is stopped for it. Answers ``data``:
    ``{"how": "online" | "offline", "volume": {"total", "used", "available"}}`` in bytes.

    :param size: GB that the device must have before the file system is grown.
    """
    KIND: ClassVar[str] = 'GrowVolume'

    size: int = base.required(base.integer(1, 2 ** 31 - 1))
