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

"""Commands for a rebuild: the former system releases its data, the new one adopts it.

Only the data volume survives the rebuild.
"""

import dataclasses
from typing import Any, ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command


@dataclasses.dataclass(frozen=True, kw_only=True)
class HandOver(Command):
    """Cast. Save the configuration on the data volume, stop the engine and unmount the volume.

    :param version: number of the target version; the engine first checks that it can be upgraded.
        "" for the same version.
    """
    KIND: ClassVar[str] = 'HandOver'

    version: str = base.optional(base.text(64), '')


@dataclasses.dataclass(frozen=True, kw_only=True)
class TakeOver(Command):
    """Cast. Set up the database server on a new root disk over the data of its volume.

    The volume is never formatted and no data directory is created: without data the command fails.
    Answers ``data``: ``{"engine": {"version", "uptime"}, "volume": {"total", "used", "available"},
    "upgraded": bool}``.

    :param config_contents: rendered base configuration of the engine.
    :param options: values of the configuration group.
    :param device: ``{"volume_id", "device_path"}``.
    :param restore: prefer the base configuration that this version saved on the volume.
    :param upgrade: run the engine's own upgrade of the data if needed.
    """
    KIND: ClassVar[str] = 'TakeOver'
    #: As in Prepare; this volume contains data.
    new_volume: ClassVar[bool] = False

    datastore_version: str = base.required(base.text(64, shortest=1))
    mount_point: str = base.required(base.text(255, pattern=r'/[^\x00]*'))
    device: dict[str, Any] = base.required(base.record(
        volume_id=base.nullable(base.text(64)), device_path=base.nullable(base.text(255))))
    config_contents: str = base.optional(base.text(256 * 1024), '')
    options: dict[str, Any] = base.optional(base.data(64 * 1024), {})
    restore: bool = base.optional(base.flag(), False)
    upgrade: bool = base.optional(base.flag(), True)
