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
"""Thread that waits for the end of processes, children or not."""

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Watch:
    """Watcher that calls ``ended(name)`` in its own thread when the named process has ended."""

    def __init__(self, ended: Callable[[str], None]):
        self._ended = ended
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._names: dict[int, str] = {}
        self._wake_out, self._wake_in = os.pipe()
        self._poll.register(self._wake_out, select.POLLIN)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name='machines-watch', daemon=True)
        self._thread.start()

    def add(self, name: str, pid: int) -> None:
        """Watch a process; ``ended`` is called at once if it has ended already."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._report(name)
            return
        with self._lock:
            self._names[descriptor] = name
            self._poll.register(descriptor, select.POLLIN)
        self._wake()

    def close(self) -> None:
        """Stop watching; the processes go on."""
        self._closed = True
        self._wake()
        self._thread.join(timeout=5)

    def _wake(self) -> None:
        os.write(self._wake_in, b'.')

    def _run(self) -> None:
        while not self._closed:
            for descriptor, _event in self._poll.poll():
                if descriptor == self._wake_out:
                    os.read(self._wake_out, 4096)
                    continue
                with self._lock:
                    name = self._names.pop(descriptor)
                    self._poll.unregister(descriptor)
                os.close(descriptor)
                self._report(name)
        for descriptor in (*self._names, self._wake_in, self._wake_out):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _report(self, name: str) -> None:
        threading.Thread(target=self._ended, args=(name,), name=f'ended-{name[:8]}',
                         daemon=True).start()
