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

"""Figures of the kernel about the agent's process and the machine."""

import os

#: Line of /proc/self/status -> name of the field in a result.
_LINES = {
    'Threads': 'threads',
    'FDSize': 'fdSize',
    'VmSize': 'vmSize',
    'VmPeak': 'vmPeak',
    'VmRSS': 'vmRss',
    'VmHWM': 'vmHwm'
}


def process(status: str = '/proc/self/status') -> dict[str, int]:
    """Return threads, open files and memory (kB) of this process."""
    found = dict.fromkeys(_LINES.values(), 0)
    for name, value in _numbers(status).items():
        if name in _LINES:
            found[_LINES[name]] = value
    return found


def hardware(memory: str = '/proc/meminfo') -> dict[str, int]:
    """Return memory (kB) and processors of this machine."""
    return {'mem_total': _numbers(memory).get('MemTotal', 0), 'num_cpus': os.cpu_count() or 1}


def _numbers(path: str) -> dict[str, int]:
    """Return the lines ``Name: number unit`` of a file as name -> number."""
    found = {}
    with open(path, encoding='ascii', errors='replace') as lines:
        for line in lines:
            name, _, rest = line.partition(':')
            words = rest.split()
            if words and words[0].isdigit():
                found[name] = int(words[0])
    return found
