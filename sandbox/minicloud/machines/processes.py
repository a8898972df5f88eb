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
"""Finding, watching and ending processes by more than a number that may be somebody else's."""

import os
import pathlib
import select
import signal
import time
from collections.abc import Iterator

_PROC = pathlib.Path('/proc')


def start_time(pid: int) -> int | None:
    """Return when a process was started (clock ticks since boot); None: gone or a zombie."""
    try:
        text = (_PROC / str(pid) / 'stat').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(')')[2].split()
    return None if fields[0] in 'ZX' else int(fields[19])


def must_be_alive(pid: int) -> None:
    """Raise ProcessLookupError when there is no such process."""
    if start_time(pid) is None:
        raise ProcessLookupError(3, 'No such process', str(pid))


def arguments(pid: int) -> list[str]:
    """Return the command line of a process, empty when it is gone."""
    try:
        raw = (_PROC / str(pid) / 'cmdline').read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return raw.decode('utf-8', 'replace').split('\0')[:-1]


def program(pid: int) -> str:
    """Return the file name of the program a process runs, empty when it is gone."""
    try:
        return pathlib.PurePath(os.readlink(_PROC / str(pid) / 'exe')).name
    except (FileNotFoundError, ProcessLookupError):
        return ''


def all_pids() -> Iterator[int]:
    """Yield the numbers of all processes."""
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
    """Return the processes below a process: those of the host, and first ones of machines.

    What runs inside of machines is in neither list; it ends with the machine's first process.
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
    """Say whether a process is number 1 in a process namespace of its own."""
    try:
        text = (_PROC / str(pid) / 'status').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return False
    numbers = next((line.split()[1:] for line in text.splitlines() if line.startswith('NSpid:')),
                   [])
    return len(numbers) > 1 and numbers[-1] == '1'


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_gone(pid: int, timeout: float) -> bool:
    """Wait until a process, child or not, ended; return whether it did within the time."""
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
    """Kill processes and wait for their end; return those that are still there."""
    for pid in pids:
        send(pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout
    return [pid for pid in pids if start_time(pid) is not None
            and not wait_gone(pid, deadline - time.monotonic())]
