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
"""Runner of the host's own tools, with their error output in the exception."""

import logging
import pathlib
import subprocess
from collections.abc import Mapping, Sequence

from minicloud.hypervisor import HypervisorError

LOG = logging.getLogger(__name__)


class CommandFailed(HypervisorError):
    """Failure of a tool of the host, with its name, status and error output."""

    def __init__(self, argv: Sequence[str], status: int, complaint: str):
        self.status = status
        self.complaint = complaint.strip()
        super().__init__(f'{pathlib.Path(argv[0]).name} failed with status {status}: '
                         f'{self.complaint or "no message"}')


def run(*argv: str, stdin: str | None = None, timeout: float = 60.0,
        environment: Mapping[str, str] | None = None) -> str:
    """Run one tool until it ends and return its output.

    :param stdin: text for its standard input; secrets are passed here, never as arguments.
    :param environment: complete environment of the tool; None inherits this process's.
    :raises CommandFailed: it failed or did not end within ``timeout`` seconds.
    """
    try:
        done = subprocess.run(argv, input=stdin or '', capture_output=True, text=True,
                              timeout=timeout, check=False, env=environment)
    except FileNotFoundError as error:
        raise CommandFailed(argv, 127, f'{argv[0]} is not installed') from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(argv, 124, f'not finished within {timeout:g} seconds') from error
    if done.returncode:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def attempt(*argv: str, stdin: str | None = None, timeout: float = 60.0) -> bool:
    """Run a tool that is allowed to fail (such as removing a missing object); log a failure as
    debug.
    """
    try:
        run(*argv, stdin=stdin, timeout=timeout)
    except CommandFailed as error:
        LOG.debug('%s: %s', ' '.join(argv), error)
        return False
    return True
