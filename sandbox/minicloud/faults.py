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

"""Planned faults: "fail the third volume create", "lose the response after doing the work".

A plan is a list of faults. A fault selects requests by service, verb and a regular expression over
the path, or background jobs by their kind. Each fault counts its own matches, applies from the
``nth`` match on, ``times`` times in a row, and is then spent.
"""

import dataclasses
import re
import threading
from collections.abc import Callable

#: Effects of a fault on a request.
MODES = ('before', 'after', 'delay', 'status')


class ConnectionLost(Exception):
    """Loss of the connection that the client sees instead of a response."""


@dataclasses.dataclass
class RequestFault:
    """One planned fault of requests.

    ``before`` breaks the connection before the request is handled, ``after`` afterwards. ``delay``
    waits ``seconds`` and goes on. ``status`` responds with ``status`` without handling the
    request.
    """

    service: str
    method: str
    path: str
    nth: int = 1
    mode: str = 'status'
    times: int = 1
    status: int = 500
    message: str = 'This failure was requested.'
    seconds: float = 0.0
    #: Further condition on the request, for tests in the same process.
    matches: Callable[[object], bool] | None = None
    seen: int = 0

    def strikes(self, service: str, method: str, path: str, request: object) -> bool:
        """Count the request if it matches; return True if it must fail."""
        if (service != self.service or method != self.method
                or not re.search(self.path, path)
                or (self.matches is not None and not self.matches(request))):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclasses.dataclass
class WorkFault:
    """One planned fault of background jobs, such as ``volume.create``."""

    kind: str
    nth: int = 1
    times: int = 1
    message: str = 'This failure was requested.'
    seen: int = 0

    def strikes(self, kind: str) -> bool:
        """Count the job if its kind matches; return True if it must fail."""
        if kind != self.kind:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class FaultPlan:
    """Collection of planned faults, thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RequestFault] = []
        self._work: list[WorkFault] = []

    def request(self, service: str, method: str, path: str, **how: object) -> RequestFault:
        """Plan a fault of requests; ``how`` has members of :class:`RequestFault`.

        ``service`` is compute, network, volume or image. ``path`` is searched in the part after
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
        """Plan a fault of background jobs; ``how`` has members of :class:`WorkFault`."""
        fault = WorkFault(kind, **how)
        with self._lock:
            self._work.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all planned faults."""
        with self._lock:
            self._requests.clear()
            self._work.clear()

    def of_request(self, service: str, method: str, path: str, request: object
                   ) -> list[RequestFault]:
        """Return the faults that apply to this request."""
        with self._lock:
            return [fault for fault in self._requests
                    if fault.strikes(service, method, path, request)]

    def of_work(self, kind: str) -> str | None:
        """Return the message of the fault that applies to this job, or None."""
        with self._lock:
            struck = [fault for fault in self._work if fault.strikes(kind)]
        return struck[0].message if struck else None
