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

"""Commands for a resize: release and grow the data volume, start the engine for its new flavor."""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command


@dataclasses.dataclass(frozen=True, kw_only=True)
class StartDatabase(Command):
    """Cast. Mount the data volume, start the engine and wait until it answers queries.

    :param config_contents: new base configuration, for which a running engine is restarted; "" for
        the present one.
    """
    KIND: ClassVar[str] = 'StartDatabase'

    config_contents: str = base.optional(base.text(256 * 1024), '')


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleaseVolume(Command):
    """Cast. Stop the engine and unmount the data volume until a command or a reboot."""
    KIND: ClassVar[str] = 'ReleaseVolume'


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowVolume(Command):
    """Cast. Grow the file system of the data volume to its device, and ensure that the engine runs.

    The agent stops the engine only if the kernel cannot grow a mounted file system. Answers
    ``data``:
    ``{"how": "online" | "offline", "volume": {"total", "used", "available"}}`` in bytes.

    :param size: size of the device in GB, checked before the file system grows.
    """
    KIND: ClassVar[str] = 'GrowVolume'

    size: int = base.required(base.integer(1, 2 ** 31 - 1))
