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

"""Waiting for the operations that a command has started, with their progress on standard error."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from osc_lib import exceptions

from trove.client.osc import rest

#: Header of a response that names the operation that the request has recorded.
OPERATION_HEADER = 'X-Trove-Operation-Id'
DEFAULT_TIMEOUT = 3600
INTERVAL = 1.0
_ENDED = frozenset(('succeeded', 'failed', 'cancelled'))
_WIDTH = 30


class Progress:
    """Progress of one operation: a bar on a terminal, else a line whenever the step changes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._begun = clock()
        self._is_terminal = stream.isatty()
        self._shown = ''

    def show(self, operation: dict[str, Any]) -> None:
        """Show the state of an operation as its view has it."""
        text = self._text(operation)
        if self._is_terminal:
            seconds = self._clock() - self._begun
            self._stream.write(f'\r\x1b[K{self._bar(operation)} {text}  {seconds:.0f} s')
        elif text != self._shown:
            self._stream.write(f'{text}\n')
        self._shown = text
        self._stream.flush()

    def close(self) -> None:
        """End the line of the bar."""
        if self._is_terminal and self._shown:
            self._stream.write('\n')
            self._stream.flush()

    @staticmethod
    def _text(operation: dict[str, Any]) -> str:
        step = operation['step'] or operation['state']
        return f"{operation['kind']} {operation['position']}/{operation['steps_total']} {step}"

    @staticmethod
    def _bar(operation: dict[str, Any]) -> str:
        done = _WIDTH * operation['position'] // max(operation['steps_total'], 1)
        return f"[{'#' * done}{'.' * (_WIDTH - done)}]"


def follow(database: Any, operation_id: str, timeout: float, *,
           expected: tuple[str, ...] = ('succeeded',), stream: TextIO | None = None,
           sleep: Callable[[float], None] = time.sleep,
           clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """Poll an operation until it ends and return its last view.

    :param timeout: seconds to wait.
    :param expected: states that are no failure.
    :raises osc_lib.exceptions.CommandError: the operation failed, was cancelled or goes on after
        ``timeout``. The operation itself is not affected.
    """
    progress = Progress(stream or sys.stderr, clock)
    end = clock() + timeout
    try:
        while True:
            operation = rest.get(database, f'/operations/{operation_id}')['operation']
            progress.show(operation)
            if operation['state'] in _ENDED:
                break
            if clock() >= end:
                raise exceptions.CommandError(
                    f'Operation {operation_id} still runs after {timeout:.0f} s. Follow it with '
                    f'"openstack database operation show {operation_id}".')
            sleep(INTERVAL)
    finally:
        progress.close()
    if operation['state'] not in expected:
        error = operation['error'] or {}
        raise exceptions.CommandError(
            f"Operation {operation_id} ({operation['kind']}) {operation['state']}: "
            f"{error.get('message') or 'no reason was recorded'}")
    return operation


@contextlib.contextmanager
def recorded_operations(database: Any) -> Iterator[list[str]]:
    """Collect the ids of the operations that requests inside the block record."""
    found: list[str] = []
    client = database.client
    request = client.request

    def recording(*args: Any, **kwargs: Any) -> Any:
        response, body = request(*args, **kwargs)
        operation_id = response.headers.get(OPERATION_HEADER)
        if operation_id and operation_id not in found:
            found.append(operation_id)
        return response, body

    client.request = recording
    try:
        yield found
    finally:
        client.request = request


class Waiting:
    """Mix-in that gives a command the option ``--wait``.

    A command that shows an object has a method ``shown_after(database, shown)``, which returns the
    output after the wait, given the output before it.
    """

    #: States that end the command without an error.
    expected: tuple[str, ...] = ('succeeded',)
    #: Pause between two looks at the operation; takes seconds.
    pause = staticmethod(time.sleep)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the command's options and those of waiting."""
        parser = super().get_parser(prog_name)  # type: ignore[misc]
        parser.add_argument('--wait', action='store_true',
                            help='Wait until the operation has ended; fail if it fails.')
        parser.add_argument('--wait-timeout', type=rest.positive, default=DEFAULT_TIMEOUT,
                            metavar='<seconds>',
                            help=f'Seconds to wait at most (default: {DEFAULT_TIMEOUT}).')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Run the command, then wait for each operation that it has recorded."""
        database = rest.client_of(self)
        with recorded_operations(database) as operation_ids:
            shown = super().take_action(parsed_args)  # type: ignore[misc]
        if not parsed_args.wait:
            return shown
        for operation_id in operation_ids:
            follow(database, operation_id, parsed_args.wait_timeout, expected=self.expected,
                   sleep=self.pause)
        return self.shown_after(database, shown) if hasattr(self, 'shown_after') else shown


def identifier(shown: Any) -> str:
    """Return the id in the output of a command that shows one object."""
    columns, values = shown
    return dict(zip(columns, values, strict=True))['id']
