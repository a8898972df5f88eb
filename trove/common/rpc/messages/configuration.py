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

"""Command that applies the options of a configuration group."""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command, OPTIONS


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApplyConfiguration(Command):
    """Cast. Replace the options of the configuration group.

    The engine validates the options first; a refusal changes nothing. Dynamic options take effect
    at once, the others at the next start. Answers ``data``: ``{"taken": [name], "waiting": [name],
    "adjusted": {name: value}}``; ``waiting`` lists all options that wait for a restart, of any
    origin.

    :param options: name -> value; ``{}`` without a group.
    """
    KIND: ClassVar[str] = 'ApplyConfiguration'

    options: dict[str, Any] = base.required(OPTIONS)
