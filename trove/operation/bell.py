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

"""The task manager's bell, for resources below instances, whose models must not know the doors.

Only shortens a wait: the task manager finds by itself what is due, every few seconds.
"""

from collections.abc import Callable

_ring: Callable[[str], None] | None = None


def install(ring: Callable[[str], None] | None) -> None:
    """:param ring: wakes the task manager for an operation; None: nobody does."""
    global _ring
    _ring = ring


def wake(operation_id: str) -> None:
    """Let the task manager know that an operation was written down."""
    if _ring is not None:
        _ring(operation_id)
