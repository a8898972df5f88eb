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

"""Calls about a machine and its agent.

All are calls, also to a machine that is not prepared.
"""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command

_SIZE = base.integer(0, 2 ** 53)
#: Fields about the agent's process; sizes in kB.
DIAGNOSTICS = {
    'version': base.text(64),
    'threads': _SIZE,
    'fdSize': _SIZE,
    'vmSize': _SIZE,
    'vmPeak': _SIZE,
    'vmRss': _SIZE,
    'vmHwm': _SIZE
}
#: ``mem_total`` in kB.
HARDWARE = {'mem_total': _SIZE, 'num_cpus': _SIZE}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Diagnose(Command):
    """Call. Answer: the keys of :data:`DIAGNOSTICS`."""
    KIND: ClassVar[str] = 'Diagnose'


@dataclasses.dataclass(frozen=True, kw_only=True)
class DescribeHardware(Command):
    """Call. Answer: the keys of :data:`HARDWARE`."""
    KIND: ClassVar[str] = 'DescribeHardware'
