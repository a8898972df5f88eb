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

"""Commands on the options that a tenant's configuration group gives the engine."""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import OPTIONS, Command


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApplyConfiguration(Command):
    """Cast. Make these the options of the configuration group, and no others.

    They are checked by the engine first. What it can take while it runs is in force then, the rest with its next start.
    Refused, nothing is changed. Answers ``data``: ``{"taken": [name], "waiting": [name], "adjusted": {name: value}}``;
    ``waiting`` are all that wait for a restart, whoever gave them.

    :param options: name -> value; ``{}`` when there is no group any more.
    """
    KIND: ClassVar[str] = 'ApplyConfiguration'

    options: dict[str, Any] = base.required(OPTIONS)
