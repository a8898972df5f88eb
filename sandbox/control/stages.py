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

"""Stages of ``up``: dependencies, parallel execution and a report of their times."""

import collections
import dataclasses
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from control.commands import Cancelled


class StageError(Exception):
    """Failure of a stage; the text is for the user."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """One piece of work with its dependencies.

    ``action`` is called with a function that shows a line of progress. Its result (a short text or
    None) is shown behind the stage's title at the end.
    """

    name: str
    title: str
    action: Callable[[Callable[[str], None]], str | None]
    needs: tuple[str, ...] = ()


def check_order(stages: Sequence[Stage]) -> None:
    """Raise when a plan cannot be carried out.

    :raises ValueError: a stage needs another that is unknown or comes later.
    """
    seen: set[str] = set()
    for stage in stages:
        unknown = set(stage.needs) - seen
        if unknown:
            raise ValueError(
                f'{stage.name} needs {", ".join(sorted(unknown))}, which does not come before it')
        if stage.name in seen:
            raise ValueError(f'two stages are called {stage.name}')
        seen.add(stage.name)


class Display:
    """Terminal output: one line at the end of each stage, and one at the start of long stages."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def line(self, text: str) -> None:
        """Show a line, preceded by the seconds since the start."""
        with self._lock:
            print(f'{time.monotonic() - self._begun:7.1f} s  {text}', file=self._stream, flush=True)

    def plain(self, text: str) -> None:
        """Show text unchanged."""
        with self._lock:
            print(text, file=self._stream, flush=True)


class Runner:
    """Runner of the stages, in threads; records the time that each takes."""

    def __init__(self, stages: Sequence[Stage], display: Display, cancel: Callable[[],
                                                                                   None]) -> None:
        check_order(stages)
        self._stages = {stage.name: stage for stage in stages}
        self._display = display
        self._cancel = cancel
        self._ended: queue.SimpleQueue[tuple[str, float,
                                             BaseException | None]] = queue.SimpleQueue()
        self.times: dict[str, float] = {}
        self.began: dict[str, float] = {}

    def run(self) -> None:
        """Run all stages.

        :raises StageError: a stage failed; the running stages were stopped.
        :raises KeyboardInterrupt: the user cancelled; the running stages were stopped.
        """
        waiting = collections.OrderedDict(self._stages)
        running: dict[str, threading.Thread] = {}
        origin = time.monotonic()
        try:
            while waiting or running:
                for stage in ready(waiting.values(), self.times):
                    del waiting[stage.name]
                    self.began[stage.name] = time.monotonic() - origin
                    running[stage.name] = threading.Thread(target=self._work, args=(stage,),
                                                           name=stage.name)
                    running[stage.name].start()
                name, seconds, failure = self._next()
                running.pop(name).join()
                if failure is not None:
                    raise StageError(
                        f'{self._stages[name].title}: {describe(failure)}') from failure
                self.times[name] = seconds
        except BaseException:
            self._cancel()
            self._outlast(running)
            raise

    def _next(self) -> tuple[str, float, BaseException | None]:
        while True:
            try:
                # A get() without timeout cannot be interrupted by a signal on every platform.
                return self._ended.get(timeout=1.0)
            except queue.Empty:
                continue

    def _outlast(self, running: dict[str, threading.Thread]) -> None:
        for name, thread in running.items():
            if thread.is_alive():
                self._display.line(f'waiting for {self._stages[name].title} to stop')
            thread.join()

    def _work(self, stage: Stage) -> None:
        begun = time.monotonic()
        shown = threading.Timer(3.0, self._display.line, (f'... {stage.title}',))
        shown.daemon = True
        shown.start()
        failure: BaseException | None = None
        try:
            note = stage.action(lambda text: self._display.line(f'... {stage.title}: {text}'))
        except BaseException as error:
            failure = error
        shown.cancel()
        seconds = time.monotonic() - begun
        if failure is None:
            self._display.line(f'{stage.title}{": " + note if note else ""} ({seconds:.1f} s)')
        self._ended.put((stage.name, seconds, failure))


def ready(waiting: Iterable[Stage], done: Iterable[str]) -> list[Stage]:
    """Return the stages that can start now: all they need is done."""
    finished = set(done)
    return [stage for stage in waiting if finished.issuperset(stage.needs)]


def describe(failure: BaseException) -> str:
    """Return the text of a known error; otherwise its type, text and location."""
    if isinstance(failure, Cancelled):
        return 'stopped'
    if type(failure).__module__.startswith('control.'):
        return str(failure)
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    return f'{type(failure).__name__}: {failure} ({frame.filename}:{frame.lineno})'


def table(stages: Sequence[Stage], times: dict[str, float], began: dict[str, float]) -> str:
    """Return the table of the stages with start and duration, shown at the end."""
    width = max(len(stage.title) for stage in stages)
    lines = [f'  {"stage":<{width}}  {"begun":>8}  {"took":>8}']
    lines += [f'  {stage.title:<{width}}  {began[stage.name]:6.1f} s  {times[stage.name]:6.1f} s'
              for stage in stages if stage.name in times]
    return '\n'.join(lines)
