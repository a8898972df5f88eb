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
"""Processes: search, watch and kill, safe against reused pids."""

import os
import pathlib
import select
import signal
import time
from collections.abc import Iterator

_PROC = pathlib.Path('/proc')


def start_time(pid: int) -> int | None:
    """Return the start time of a process (clock ticks since boot); None if it ended or is a
    zombie.
    """
    try:
        text = (_PROC / str(pid) / 'stat').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(')')[2].split()
    return None if fields[0] in 'ZX' else int(fields[19])


def must_be_alive(pid: int) -> None:
    """Raise ProcessLookupError if the process does not exist."""
    if start_time(pid) is None:
        raise ProcessLookupError(3, 'No such process', str(pid))


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty if it ended."""
    try:
        raw = (_PROC / str(pid) / 'cmdline').read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return raw.decode('utf-8', 'replace').split('\0')[:-1]


def program(pid: int) -> str:
    """Return the file name of a process's program; empty if it ended."""
    try:
        return pathlib.PurePath(os.readlink(_PROC / str(pid) / 'exe')).name
    except (FileNotFoundError, ProcessLookupError):
        return ''


def all_pids() -> Iterator[int]:
    """Yield the pids of all processes."""
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            yield int(entry)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    try:
        text = (_PROC / str(pid) / 'task' / str(pid) / 'children').read_text(encoding='ascii')
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


def family(pid: int) -> tuple[list[int], list[int]]:
    """Return the descendants of a process: those of the host, and first processes of machines.

    Processes inside machines are in neither list; they end with the machine's first process.
    """
    outside: list[int] = []
    leaders: list[int] = []
    waiting = [pid]
    while waiting:
        for child in children(waiting.pop(0)):
            if is_first_of_namespace(child):
                leaders.append(child)
            else:
                outside.append(child)
                waiting.append(child)
    return outside, leaders


def is_first_of_namespace(pid: int) -> bool:
    """Return whether a process is number 1 in a process namespace of its own."""
    try:
        text = (_PROC / str(pid) / 'status').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return False
    numbers = next((line.split()[1:] for line in text.splitlines() if line.startswith('NSpid:')),
                   [])
    return len(numbers) > 1 and numbers[-1] == '1'


def send(pid: int, number: int) -> None:
    """Send a signal; a process that has ended is ignored."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_gone(pid: int, timeout: float) -> bool:
    """Wait until a process, child or not, has ended; return False after the timeout."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(max(0, timeout) * 1000))
    finally:
        os.close(descriptor)


def kill_hard(pids: list[int], timeout: float = 10.0) -> list[int]:
    """Kill processes and wait until they have ended; return the survivors."""
    for pid in pids:
        send(pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout
    return [pid for pid in pids if start_time(pid) is not None
            and not wait_gone(pid, deadline - time.monotonic())]
