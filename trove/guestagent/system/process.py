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

"""Programs run by the agent: argument lists, a time limit, secrets only through stdin or files.

This module knows no program; the other modules of this package do.
"""

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Environment of the programs: no proxy, no locale, no secrets of the agent.
_ENVIRONMENT = {
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LC_ALL': 'C.UTF-8',
    'HOME': '/root'
}
_ERROR_TEXT = 500
#: Seconds; see :func:`set_default_timeout`.
_default_timeout = 30.0


@dataclass(frozen=True)
class Finished:
    """Exit status and output of a program."""
    status: int
    output: str
    errors: str


class ProcessFailed(Exception):
    """Failed program: an unexpected exit status, no such program, or a timeout.

    The text contains the program and the end of its stderr, never its arguments, although no
    argument may be a secret.
    """

    def __init__(self, program: str, status: int | None, errors: str) -> None:
        self.program = program
        self.status = status
        self.errors = errors.strip()[-_ERROR_TEXT:]
        how = 'did not end in time' if status is None else f'ended with status {status}'
        super().__init__(f'{program} {how}' + (f': {self.errors}' if self.errors else ''))


def set_default_timeout(seconds: float) -> None:
    """Limit programs without a limit of their own (``command_process_timeout``)."""
    global _default_timeout
    _default_timeout = seconds


def run(argv: Sequence[str], *, timeout: float | None = None, stdin: str | None = None,
        allowed: Collection[int] = (0,), environment: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end.

    :param timeout: seconds after which the program is killed; None: ``command_process_timeout``.
    :param stdin: text for its standard input; the only way to pass a secret.
    :param allowed: exit statuses that are results, not failures.
    :raises ProcessFailed: another status, a timeout, or no such program.
    """
    done = _done(argv, timeout or _default_timeout, allowed, input=stdin,
                 stdin=None if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                 env={
                     **_ENVIRONMENT,
                     **(environment or {})
                 })
    return Finished(done.returncode, done.stdout, done.stderr)


def append(argv: Sequence[str], path: str, *, timeout: float,
           allowed: Collection[int] = (0,)) -> None:
    """Run a program to its end and append its output to a file that only root can read.

    :raises ProcessFailed: as :func:`run`.
    """
    descriptor = os.open(
        path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _done(argv, timeout, allowed, stdin=subprocess.DEVNULL, stdout=descriptor,
              env=dict(_ENVIRONMENT))
    finally:
        os.close(descriptor)


def _done(argv: Sequence[str], timeout: float, allowed: Collection[int],
          **how: Any) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(list(argv), stderr=subprocess.PIPE, timeout=timeout, encoding='utf-8',
                              errors='replace', start_new_session=True, check=False, **how)
    except subprocess.TimeoutExpired as expired:
        errors = expired.stderr or b''
        raise ProcessFailed(
            argv[0], None, errors if isinstance(errors, str) else
            errors.decode('utf-8', 'replace')) from None
    except OSError as error:
        raise ProcessFailed(argv[0], 127, error.strerror or str(error)) from None
    if done.returncode not in allowed:
        raise ProcessFailed(argv[0], done.returncode, done.stderr or done.stdout or '')
    return done
