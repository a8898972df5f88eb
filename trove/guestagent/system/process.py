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

"""Running outside programs: exact argument lists, a time limit, secrets only through stdin or files.

Nothing here knows what a program is for; the classes beside this module do.
"""

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The children see no more of our environment than they need: no proxy, no locale, no secrets.
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
    """What a program left behind."""
    status: int
    output: str
    errors: str


class ProcessFailed(Exception):
    """A program ended with an exit status nobody expected, could not be started, or took too long.

    The text names the program and the end of what it said on stderr. Arguments are not repeated, although none of
    them may be a secret.
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

    :param timeout: seconds, then the program is killed; None: ``command_process_timeout``.
    :param stdin: text fed to it; the only way a secret may take.
    :param allowed: exit statuses that are answers, not failures.
    :raises ProcessFailed: any other status, time over, or no such program.
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
    """Run a program to its end, what it says appended to a file for root's eyes only, however much that is.

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
        said = expired.stderr or b''
        raise ProcessFailed(
            argv[0], None,
            said if isinstance(said, str) else said.decode('utf-8', 'replace')) from None
    except OSError as error:
        raise ProcessFailed(argv[0], 127, error.strerror or str(error)) from None
    if done.returncode not in allowed:
        raise ProcessFailed(argv[0], done.returncode, done.stderr or done.stdout or '')
    return done
