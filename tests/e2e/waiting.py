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

"""Waiting for other processes: until a condition is met, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar('T')


def wait_for(what: str, look: Callable[[], T], seconds: float, *, interval: float = 0.1,
             passing: tuple[type[BaseException],
                            ...] = (), state: Callable[[], object] | None = None) -> T:
    """Poll until ``look`` returns a true value, and return it.

    :param what: description of the condition, for the message of the failure.
    :param look: returns a true value when the condition is met.
    :param seconds: timeout.
    :param interval: seconds between two polls.
    :param passing: exceptions of ``look`` that mean "not yet".
    :param state: called after a timeout; its result is part of the message.
    :raises AssertionError: the condition was not met in time.
    """
    end = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            last = look()
            if last:
                return last
        except passing as error:
            last = f'{type(error).__name__}: {error}'
        if time.monotonic() > end:
            seen = state() if state is not None else last
            raise AssertionError(f'not within {seconds:.0f} s: {what}. Last seen: {seen}')
        time.sleep(interval)
