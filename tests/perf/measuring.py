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

"""Cost of a piece of work: statements, cloud requests and messages, which are exact, and CPU time,
which is not.

On a shared machine the same work takes more CPU time while others are busy, because caches and
cores are shared. So each measurement runs between two of a fixed piece of work, and is divided by
the slowdown of that work against a machine at rest. The cheapest of several rounds counts, because
disturbances only add cost.
"""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event

from trove.db import session

#: CPU milliseconds of :func:`_reference` on the machine that the bars were set on, at rest.
REFERENCE_MS = 0.46


@dataclasses.dataclass
class Counts:
    """Work done inside a :func:`counted` block."""

    statements: list[str] = dataclasses.field(default_factory=list)
    #: (method, path) of each request to the cloud.
    cloud: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    #: (topic, method) of each message on either bus.
    messages: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def summary(self) -> tuple[int, int, int]:
        return len(self.statements), len(self.cloud), len(self.messages)


@contextlib.contextmanager
def counted(edge: Any = None) -> Iterator[Counts]:
    """Count the work of the process.

    :param edge: edge with the cloud and the buses to count, beside the database.
    """
    counts = Counts()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        counts.statements.append(statement)

    engines = [session.engine('read'), session.engine('write')]
    buses = [edge.control, edge.guests] if edge else []
    before = [len(bus.taken) for bus in buses]
    earlier = len(edge.cloud.requests) if edge else 0
    for engine in engines:
        event.listen(engine, 'before_cursor_execute', note)
    try:
        yield counts
    finally:
        for engine in engines:
            event.remove(engine, 'before_cursor_execute', note)
        for bus, length in zip(buses, before, strict=True):
            counts.messages += [(topic, method) for topic, method, _payload in bus.taken[length:]]
        if edge:
            counts.cloud += edge.cloud.requests[earlier:]


def _reference() -> None:
    """Work of the same kind as a request: calls, dictionaries, text, JSON."""
    rows = [{
        'id': f'{number:036d}',
        'name': f'n{number}',
        'size': number,
        'links': [{
            'rel': 'self',
            'href': 'x' * 80
        }]
    } for number in range(200)]
    text = json.dumps(rows)
    found = {row['id']: row for row in json.loads(text)}
    assert sorted(found)[0] == rows[0]['id'] and sum(row['size'] for row in rows) == 19900


def _cpu_ms(act: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    begun = clock()
    for _ in range(times):
        act()
    return (clock() - begun) / times * 1000


def slowness() -> float:
    """Return the ratio of the work's present duration to that on the machine at rest."""
    return min(_cpu_ms(_reference, 10, time.thread_time) for _ in range(3)) / REFERENCE_MS


def cpu_ms(act: Callable[[], Any], *, times: int = 50, rounds: int = 8,
           clock: Callable[[], float] = time.thread_time) -> float:
    """Return the CPU milliseconds of one ``act()``, as on the machine at rest.

    :param clock: CPU seconds used so far by the worker.
    """
    for _ in range(times // 4 + 1):
        act()
    found = []
    before = slowness()
    for _ in range(rounds):
        taken = _cpu_ms(act, times, clock)
        after = slowness()
        found.append(taken / ((before + after) / 2))
        before = after
    return min(found)


def compared(first: Callable[[], Any], second: Callable[[], Any], *, times: int = 20,
             rounds: int = 15) -> tuple[float, float]:
    """Return the CPU milliseconds of one ``first()`` and one ``second()``.

    They run in turn, under the same load.
    """
    found: list[tuple[float, float]] = []
    for act in (first, second):
        _cpu_ms(act, times, time.thread_time)
    for _ in range(rounds):
        found.append((_cpu_ms(first, times,
                              time.thread_time), _cpu_ms(second, times, time.thread_time)))
    return min(one for one, _ in found), min(other for _, other in found)


class Figures:
    """Measured figures with their bars."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []

    def note(self, what: str, figure: str, bar: str = '') -> None:
        self._rows.append((what, figure, bar))

    def lines(self) -> list[str]:
        widths = [max((len(row[column]) for row in self._rows), default=0) for column in range(3)]
        return [
            f'{what:<{widths[0]}}  {figure:<{widths[1]}}  {bar}'.rstrip()
            for what, figure, bar in self._rows
        ]


FIGURES = Figures()


def process_seconds(pid: int) -> float:
    """Return the CPU seconds that all threads of a process have used so far."""
    with open(f'/proc/{pid}/stat') as stat:
        fields = stat.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    with open(f'/proc/{pid}/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6
