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
"""Memory of the machine."""

import re

from trove.guestagent.system import files

_TOTAL = re.compile(r'^MemTotal:\s+(\d+) kB$', re.MULTILINE)
#: Files with a limit below the host's memory, in containers: cgroup version 2 and version 1.
_LIMITS = ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes')


def memory_mb() -> int:
    """Return the MiB that the machine may use."""
    found = _TOTAL.search(files.read('/proc/meminfo') or '')
    total = int(found[1]) // 1024 if found else 0
    texts = [(files.read(path) or '').strip() for path in _LIMITS]
    limits = [int(text) // 2 ** 20 for text in texts if text.isdigit()]
    return min([total, *limits]) if total else max(limits, default=0)
