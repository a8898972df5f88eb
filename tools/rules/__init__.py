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

"""Options that configuration groups may set, read from the engines: one module for each engine.

A module has MANAGER (a folder of ``trove/templates``), SERIES (the supported series of the engine)
and the functions ``installed()`` (version string of this machine's engine, "" without one) and
``rules()``.
"""

import contextlib
import fnmatch
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

Rule = dict[str, Any]

START_TIMEOUT = 60


def is_denied(name: str, patterns: Iterable[str]) -> bool:
    """Return whether an option is closed to tenants."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


@contextlib.contextmanager
def serving(command: list[str], socket: pathlib.Path, log: pathlib.Path) -> Iterator[None]:
    """Run a server for the length of a ``with`` block, which begins when its socket exists.

    :param log: log of the server, shown if it does not start.
    """
    process = subprocess.Popen(command)
    try:
        end = time.monotonic() + START_TIMEOUT
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f'The engine did not start: {log.read_text()[-2000:]}')
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)
