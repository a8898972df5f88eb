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

"""Processes of services: started in their own sessions, identified by pid and start time.

A record file stores the pid with the start time that the kernel reports. A reused pid is therefore
never mistaken for the service, and no supervising process is needed.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping

#: Variable in the environment of every process of a sandbox; its value is the sandbox's prefix.
MARK = 'TROVE_SANDBOX_MARK'


@dataclasses.dataclass(frozen=True)
class Process:
    """Process identity that survives reuse of the pid."""

    pid: int
    #: Clock ticks since boot, from /proc.
    started: int

    def alive(self) -> bool:
        """Return whether the process runs; a zombie does not."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """Return the start time of a process in clock ticks since boot; None if it does not run."""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8', errors='replace')
    except OSError:
        return None
    return parse_start_time(text)


def parse_start_time(stat: str) -> int | None:
    """Read field 22 of /proc/PID/stat; None for a zombie. The name in field 2 may have any
    character.
    """
    fields = stat.rpartition(')')[2].split()
    return None if fields[0] in 'ZX' else int(fields[19])


class Record:
    """File that records the process of a service."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    def read(self) -> Process | None:
        """Return the recorded process if it still runs."""
        try:
            known = json.loads(self._path.read_text(encoding='ascii'))
            process = Process(known['pid'], known['started'])
        except (OSError, ValueError, KeyError):
            return None
        return process if process.alive() else None

    def write(self, process: Process) -> None:
        """Record a process."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(dataclasses.asdict(process)), encoding='ascii')

    def forget(self) -> None:
        """Remove the record."""
        self._path.unlink(missing_ok=True)

    def age(self) -> float:
        """Return the seconds since the record was written."""
        return time.time() - self._path.stat().st_mtime


def start(arguments: list[str], *, environment: Mapping[str, str], log: pathlib.Path,
          directory: pathlib.Path, user: str | None = None) -> Process:
    """Start a process in its own session; its output is appended to a log file.

    :param user: system user that the process runs as; root if None.
    :raises OSError: the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('ab') as output:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 env=dict(environment), cwd=directory, start_new_session=True,
                                 user=user, group=user, extra_groups=[] if user else None)
    # A process that ended at once is a zombie of this process: its start time is still readable.
    stat = pathlib.Path(f'/proc/{child.pid}/stat').read_text(encoding='utf-8', errors='replace')
    return Process(child.pid, int(stat.rpartition(')')[2].split()[19]))


def stop(process: Process, patience: float, with_descendants: bool = False) -> None:
    """Terminate a process; after ``patience`` seconds kill it and its whole session.

    :param with_descendants: also kill its descendants in other sessions.
    """
    members = session(process.pid) | (descendants(process.pid) if with_descendants else set())
    if process.alive():
        send(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while process.alive() and time.monotonic() < deadline:
            _bury(process.pid)
            time.sleep(0.05)
    for member in {process, *members, *session(process.pid)}:
        if member.alive():
            send(member.pid, signal.SIGKILL)
            wait_gone(member, 5.0)


def kill(process: Process) -> None:
    """Kill a process and its session with SIGKILL.

    Processes that left the session survive; the machines of minicloud do.
    """
    for member in {process, *session(process.pid)}:
        if member.alive():
            send(member.pid, signal.SIGKILL)
    wait_gone(process, 5.0)


def wait_gone(process: Process, patience: float) -> None:
    """Wait until a killed process has ended."""
    deadline = time.monotonic() + patience
    while process.alive() and time.monotonic() < deadline:
        _bury(process.pid)
        time.sleep(0.02)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that has ended is ignored."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _bury(pid: int) -> None:
    """Collect the exit status of a child of this process."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def all_pids() -> Iterator[int]:
    """Yield the pids of all processes."""
    for entry in os.scandir('/proc'):
        if entry.name.isdigit():
            yield int(entry.name)


def session(leader: int) -> set[Process]:
    """Return the processes in the session of a leader."""
    found = set()
    for pid in all_pids():
        try:
            if os.getsid(pid) != leader:
                continue
        except (ProcessLookupError, PermissionError):
            continue
        started = start_time(pid)
        if started is not None:
            found.add(Process(pid, started))
    return found


def descendants(pid: int) -> set[Process]:
    """Return the children of a process, their children and so on, in any session."""
    parents: dict[int, list[int]] = {}
    for one in all_pids():
        try:
            stat = pathlib.Path(f'/proc/{one}/stat').read_text(encoding='utf-8', errors='replace')
        except OSError:
            continue
        parents.setdefault(int(stat.rpartition(')')[2].split()[1]), []).append(one)
    found, waiting = set(), [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            waiting.append(child)
            started = start_time(child)
            if started is not None:
                found.add(Process(child, started))
    return found


def marked(mark: str) -> set[Process]:
    """Return all processes with a sandbox's mark in their environment, in any session."""
    variable = f'{MARK}={mark}'.encode()
    found = set()
    for pid in all_pids():
        if pid == os.getpid():
            continue
        try:
            environment = pathlib.Path(f'/proc/{pid}/environ').read_bytes()
        except OSError:
            continue
        started = start_time(pid)
        if started is not None and variable in environment.split(b'\0'):
            found.add(Process(pid, started))
    return found
