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

"""Entry point of the sandbox commands: ``python -m control COMMAND``, run by the scripts in
``sandbox/``.
"""

import argparse
import pathlib
import sys
import tempfile

from control import checks, down, host, images, status, up
from control.commands import CommandError, Commands
from control.sandbox import Busy, Sandbox
from control.services import ServiceError
from control.settings import SettingsError

_ENVIRONMENT = """\
environment:
  TROVE_SANDBOX_DIR        data of the sandbox (default /var/lib/trove-sandbox)
  TROVE_SANDBOX_PORT_BASE  first port (default 18700)
  TROVE_SANDBOX_NET        first two numbers of the networks (default 172.24)
  TROVE_SANDBOX_VENV       existing virtual environment to use
"""


def parser(command: str) -> argparse.ArgumentParser:
    """Return the argument parser of one command."""
    words = {
        'up': 'Start all services on this machine and create a demo instance; safe to repeat.',
        'down': 'Stop everything; only the data directory stays on the host.',
        'status': 'Show services and machines.',
        'openrc': "Print a user's settings for the shell: eval \"$(sandbox/openrc demo)\".",
        'logs': 'Show the logs of the services.',
        'restart': 'Stop and start one service.',
        'kill': 'Kill one service with SIGKILL; for tests.',
        'image': 'Build or update guest images now; otherwise the first instance builds its image.',
        'packages': 'Install Debian packages without their daemons; for tests.',
    }
    made = argparse.ArgumentParser(prog=f'sandbox/{command}', description=words[command],
                                   epilog=_ENVIRONMENT,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    if command == 'up':
        made.add_argument('--no-demo', action='store_true',
                          help='start the services only, without a demo instance')
        made.add_argument('--images', default='', metavar='NAME,...',
                          help='further guest images to build now: a datastore, an image or "all"')
        made.add_argument('--python', default=sys.executable, help=argparse.SUPPRESS)
    elif command == 'down':
        made.add_argument('--purge', action='store_true',
                          help='also remove the data, the images and the virtual environment')
    elif command == 'openrc':
        made.add_argument('user', nargs='?', default='demo', help='demo (default), admin or trove')
    elif command == 'logs':
        made.add_argument('service', nargs='?', help='name of a service (default: all)')
        made.add_argument('-f', '--follow', action='store_true', help='keep printing new lines')
    elif command in ('restart', 'kill'):
        made.add_argument('service')
    elif command == 'image':
        made.add_argument('image', nargs='*', help='a datastore or an image (default: all)')
    elif command == 'packages':
        made.add_argument('package', nargs='*', help='packages in addition to those of the sandbox')
    return made


def change(sandbox: Sandbox, command: str, name: str) -> int:
    """Restart or kill one service."""
    if name not in sandbox.supervisor.services:
        print(f'sandbox/{command}: unknown service {name}; services: '
              f'{", ".join(sandbox.supervisor.services)}',
              file=sys.stderr)
        return 2
    if command == 'kill':
        return 0 if sandbox.supervisor.kill(name) else 1
    sandbox.supervisor.stop(name)
    sandbox.supervisor.start(name)
    return 0


def install(packages: list[str]) -> int:
    """Install the packages of the sandbox and the given ones."""
    with tempfile.TemporaryDirectory() as logs:
        note = host.install_packages(Commands(pathlib.Path(logs)), print, packages)
        print(f'Debian packages: {note}')
    return 0


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    command, *rest = arguments
    options = parser(command).parse_args(rest)
    try:
        checks.refuse_unless_root()
        sandbox = Sandbox.from_environment()
        if command == 'up':
            return up.main(sandbox, options.python, not options.no_demo,
                           [word for word in options.images.split(',') if word])
        if command == 'down':
            return down.main(sandbox, options.purge)
        if command == 'status':
            return status.show(sandbox)
        if command == 'openrc':
            return status.openrc(sandbox, options.user)
        if command == 'logs':
            return status.logs(sandbox, options.service, options.follow)
        if command == 'image':
            return images.main(sandbox.settings, options.image)
        if command == 'packages':
            return install(options.package)
        return change(sandbox, command, options.service)
    except (SettingsError, Busy, ServiceError, CommandError, checks.Refused) as error:
        print(f'sandbox/{command}: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
