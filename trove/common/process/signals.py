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
"""Signals of a process as values its main thread waits for."""

import os
import select
import signal
from collections.abc import Iterable
from types import FrameType

#: Capacity of a pipe on Linux: one read takes everything that is in it.
_PIPE_SIZE = 65536


class Signals:
    """Signals received since the last :meth:`wait`.

    A handler runs between any two instructions of the main thread, also inside another handler. So
    handlers here only store a flag and take no lock; the interpreter writes to a pipe that ends the
    wait. Equal signals that arrive before a wait are reported once, as the kernel does.

    :param numbers: signals to receive.
    """

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._received: dict[int, bool] = dict.fromkeys(numbers, False)
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        # A full pipe loses bytes but no signal: the flags name the signals.
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._received:
            signal.signal(number, self._handle)

    def wait(self, timeout: float | None = None) -> set[int]:
        """Wait for a signal, a :meth:`wake` or the timeout.

        :param timeout: seconds; None waits without a limit.
        :returns: the signals received; empty after a wake or the timeout.
        """
        if self._wait_readable(timeout):
            os.read(self._read, _PIPE_SIZE)
        received = set()
        for number, is_set in self._received.items():
            if is_set:
                self._received[number] = False
                received.add(number)
        return received

    def wake(self) -> None:
        """End the wait; callable from any thread."""
        try:
            os.write(self._write, b'\0')
        except BlockingIOError:
            # A full pipe ends the wait as well.
            return

    @staticmethod
    def exit_at(numbers: Iterable[signal.Signals]) -> None:
        """End the process at the next of these signals instead of reporting it."""
        for number in numbers:
            signal.signal(number, _exit)

    def close_in_child(self) -> None:
        """Restore the default handlers and leave the pipe to the parent, after a fork."""
        signal.set_wakeup_fd(-1)
        for number in self._received:
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)

    def _wait_readable(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        return bool(poll.poll(None if timeout is None else max(0, int(timeout * 1000))))

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._received[number] = True


def _exit(_number: int, _frame: FrameType | None) -> None:
    os._exit(1)
