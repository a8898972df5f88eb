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

"""The commands of the sandbox: ``python -m control COMMAND``, called by the scripts beside this package."""

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
  TROVE_SANDBOX_DIR        where everything is (default /var/lib/trove-sandbox)
  TROVE_SANDBOX_PORT_BASE  first of the ports (default 18700)
  TROVE_SANDBOX_NET        first two numbers of the networks (default 172.24)
  TROVE_SANDBOX_VENV       a virtual environment to use instead of one of its own
"""


def parser(command: str) -> argparse.ArgumentParser:
    """The command line of one command."""
    words = {
        'up': 'Start the whole service on this machine, with an instance in it; safe to repeat.',
        'down': 'Stop everything and leave nothing on the host but the data.',
        'status': 'Show services and machines.',
        'openrc': "Print a user's settings for the shell: eval \"$(sandbox/openrc demo)\".",
        'logs': 'Show what services have logged.',
        'restart': 'Stop and start one service.',
        'kill': 'End one service as kill -9 does; for tests.',
        'image': 'Build guest images now, or bring them up to date; otherwise the first instance does it.',
        'packages': 'Install Debian packages without their daemons; for tests.',
    }
    made = argparse.ArgumentParser(prog=f'sandbox/{command}', description=words[command], epilog=_ENVIRONMENT,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    if command == 'up':
        made.add_argument('--no-demo', action='store_true', help='start the services only, without an instance')
        made.add_argument('--images', default='', metavar='NAME,...',
                          help='guest images to build now, besides that of the instance: a datastore, an image or all')
        made.add_argument('--python', default=sys.executable, help=argparse.SUPPRESS)
    elif command == 'down':
        made.add_argument('--purge', action='store_true', help='remove the data, the image and the environment, too')
    elif command == 'openrc':
        made.add_argument('user', nargs='?', default='demo', help='demo (default), admin or trove')
    elif command == 'logs':
        made.add_argument('service', nargs='?', help='all services when not given')
        made.add_argument('-f', '--follow', action='store_true', help='go on showing what is written')
    elif command in ('restart', 'kill'):
        made.add_argument('service')
    elif command == 'image':
        made.add_argument('image', nargs='*', help='a datastore or an image; all when not given')
    elif command == 'packages':
        made.add_argument('package', nargs='*', help='besides those the sandbox needs')
    return made


def change(sandbox: Sandbox, command: str, name: str) -> int:
    """Restart or kill one service."""
    if name not in sandbox.supervisor.services:
        print(f'sandbox/{command}: there is no service {name}; there are {", ".join(sandbox.supervisor.services)}',
              file=sys.stderr)
        return 2
    if command == 'kill':
        return 0 if sandbox.supervisor.kill(name) else 1
    sandbox.supervisor.stop(name)
    sandbox.supervisor.start(name)
    return 0


def install(packages: list[str]) -> int:
    """Install what the sandbox needs, and more."""
    with tempfile.TemporaryDirectory() as logs:
        print(f'Debian packages: {host.install_packages(Commands(pathlib.Path(logs)), print, packages)}')
    return 0


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
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
