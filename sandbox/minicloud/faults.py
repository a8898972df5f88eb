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

"""Failures on demand: "fail the third volume create", "lose the reply after doing the work".

A plan is a list of faults. Requests are matched by service, verb and a regular expression over
the path; background work by its kind. Each fault counts its own matches, strikes on the
``nth`` one, ``times`` times in a row, and is then spent. An empty plan costs nothing.
"""

import dataclasses
import re
import threading
from collections.abc import Callable

#: What a fault on a request does.
MODES = ('before', 'after', 'delay', 'status')


class ConnectionLost(Exception):
    """The client shall see its connection break instead of an answer."""


@dataclasses.dataclass
class RequestFault:
    """One planned failure of requests.

    ``before`` breaks the connection before anything is done, ``after`` when all is done,
    ``delay`` waits ``seconds`` and goes on, ``status`` answers ``status`` without doing it.
    """

    service: str
    method: str
    path: str
    nth: int = 1
    mode: str = 'status'
    times: int = 1
    status: int = 500
    message: str = 'This failure was asked for.'
    seconds: float = 0.0
    #: Further condition on the request, for tests in the same process.
    matches: Callable[[object], bool] | None = None
    seen: int = 0

    def strikes(self, service: str, method: str, path: str, request: object) -> bool:
        """Count the request if it is one of ours; return True if it is to fail."""
        if (service != self.service or method != self.method
                or not re.search(self.path, path)
                or (self.matches is not None and not self.matches(request))):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclasses.dataclass
class WorkFault:
    """One planned failure of background work, such as ``volume.create``."""

    kind: str
    nth: int = 1
    times: int = 1
    message: str = 'This failure was asked for.'
    seen: int = 0

    def strikes(self, kind: str) -> bool:
        """Count the job if it is of our kind; return True if it is to fail."""
        if kind != self.kind:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class FaultPlan:
    """All failures asked for, thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RequestFault] = []
        self._work: list[WorkFault] = []

    def request(self, service: str, method: str, path: str, **how: object) -> RequestFault:
        """Plan a failing request; ``how`` are members of :class:`RequestFault`.

        ``service`` is compute, network, volume or image; ``path`` is searched in what follows
        the service's prefix, such as ``/v2.1/servers``.
        """
        fault = RequestFault(service, method.upper(), path, **how)
        if fault.mode not in MODES:
            raise ValueError(f'mode must be one of {", ".join(MODES)}')
        re.compile(path)
        with self._lock:
            self._requests.append(fault)
        return fault

    def work(self, kind: str, **how: object) -> WorkFault:
        """Plan failing background work; ``how`` are members of :class:`WorkFault`."""
        fault = WorkFault(kind, **how)
        with self._lock:
            self._work.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all that is planned."""
        with self._lock:
            self._requests.clear()
            self._work.clear()

    def of_request(self, service: str, method: str, path: str, request: object
                   ) -> list[RequestFault]:
        """Return the faults that strike this request."""
        with self._lock:
            return [fault for fault in self._requests
                    if fault.strikes(service, method, path, request)]

    def of_work(self, kind: str) -> str | None:
        """Return the message of the fault that strikes this job, if one does."""
        with self._lock:
            struck = [fault for fault in self._work if fault.strikes(kind)]
        return struck[0].message if struck else None
