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

"""Wake-up calls to the task manager that never hold up a request."""

import collections
import threading
from collections.abc import Callable

from oslo_log import log as logging

from trove.common.rpc.clients import TaskManagerClient

LOG = logging.getLogger(__name__)

#: Seconds that a request waits for its wake-up call to be sent.
PATIENCE = 1.0
#: Wake-up calls that wait for a broker; older ones are dropped, since the sweep finds the work.
MAXIMUM_WAITING = 1000


class Waker:
    """Client of the task manager that sends from a thread of its own.

    A broker that blocks publishers, or is frozen, costs a request at most :data:`PATIENCE`, and
    nothing once it is known to be slow. The thread starts at the first use, and so after a fork.

    :param client: returns the client that sends; called at each use, in the thread.
    """

    def __init__(self, client: Callable[[], TaskManagerClient]) -> None:
        self._client = client
        self._changed = threading.Condition()
        self._waiting: collections.deque[str] = collections.deque(maxlen=MAXIMUM_WAITING)
        self._is_sending = False
        self._thread: threading.Thread | None = None

    def wake(self, operation_id: str) -> None:
        """Have the task manager woken for an operation."""
        with self._changed:
            is_slow = self._is_sending or bool(self._waiting)
            self._waiting.append(operation_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name='waker', daemon=True)
                self._thread.start()
            self._changed.notify_all()
            if is_slow:
                return
            is_sent = self._changed.wait_for(
                lambda: not self._is_sending and not self._waiting, PATIENCE)
        if not is_sent:
            LOG.warning('Operation %s: the message broker is slow; the next sweep of the task '
                        'manager may find the operation first', operation_id)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                operation_id = self._waiting.popleft()
                self._is_sending = True
            try:
                self._client().wake(operation_id)
            except Exception:
                LOG.exception('Operation %s: cannot wake the task manager', operation_id)
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()
