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
"""Administrator's tool ``python -m minicloud.machines``: list and remove the machines of a
sandbox.

The tool uses the host alone, so it also works when minicloud does not run.
"""

import argparse
import logging
import os
import shutil
import sys

from minicloud.hypervisor import HypervisorError
from minicloud.machines import check, teardown
from minicloud.machines.keeper import Keepers
from minicloud.machines.layout import Layout
from minicloud.machines.storage import Storage

_DEFAULT_DIRECTORY = '/var/lib/trove-sandbox'


def _list(layout: Layout, _arguments: argparse.Namespace) -> int:
    storage, keepers = Storage(layout), Keepers(layout)
    row = '{:36}  {:20}  {:8}  {:>8}  {:34}  {}'
    print(row.format('ID', 'NAME', 'STATE', 'PROCESS', 'ADDRESSES', 'DISKS'))
    for server_id in storage.all_ids():
        machine = storage.load(server_id)
        leader = keepers.leader(server_id)
        running = keepers.find(server_id) is not None
        cards = machine.cards if machine else []
        disks = machine.disks if machine else []
        print(row.format(
            server_id, machine.name[:20] if machine else '?',
            'running' if running else 'stopped', leader or '-',
            ' '.join(ip[0] for card in cards for ip in card.fixed_ips) or '-',
            ' '.join(f'{disk.device}={disk.volume_id}' for disk in disks) or '-'))
    return 0


def _down(layout: Layout, arguments: argparse.Namespace) -> int:
    if not arguments.all:
        print('Add --all to stop all machines and remove all networks.', file=sys.stderr)
        return 2
    left = teardown.down(layout, arguments.timeout)
    if arguments.purge and not left:
        shutil.rmtree(layout.base, ignore_errors=False) if layout.base.exists() else None
    for line in left:
        print(f'left: {line}', file=sys.stderr)
    return 1 if left else 0


def _shell(layout: Layout, arguments: argparse.Namespace) -> int:
    storage, keepers = Storage(layout), Keepers(layout)
    found = [server_id for server_id in storage.all_ids()
             if server_id.startswith(arguments.machine)
             or getattr(storage.load(server_id), 'name', None) == arguments.machine]
    if len(found) != 1:
        print(f'{len(found)} machines are called {arguments.machine}.', file=sys.stderr)
        return 1
    leader = keepers.leader(found[0])
    if leader is None:
        print(f'Machine {found[0]} does not run.', file=sys.stderr)
        return 1
    command = arguments.command or ['/bin/bash', '-l']
    os.execvp('nsenter', ['nsenter', '--target', str(leader), '--all', '--', 'env', '-i',
                          'HOME=/root', f'TERM={os.environ.get("TERM", "dumb")}',
                          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
                          *command])
    return 127


def _check(layout: Layout, _arguments: argparse.Namespace) -> int:
    missing = check.missing(layout)
    for line in missing:
        print(f'missing: {line}')
    for line in [] if missing else check.warnings(layout):
        print(f'note: {line}')
    if not missing:
        print('This host can run machines.')
    return 1 if missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m minicloud.machines', description=__doc__)
    parser.add_argument('--directory', metavar='DIR',
                        default=os.environ.get('TROVE_SANDBOX_DIR', _DEFAULT_DIRECTORY),
                        help='the sandbox (default: $TROVE_SANDBOX_DIR or %(default)s)')
    actions = parser.add_subparsers(dest='action', required=True)
    actions.add_parser('list', help='show the machines').set_defaults(do=_list)
    down = actions.add_parser('down', help='remove all of the sandbox from the host, keep data')
    down.add_argument('--all', action='store_true', help='really all machines')
    down.add_argument('--purge', action='store_true', help='remove disks and volumes as well')
    down.add_argument('--timeout', type=float, default=20.0, metavar='SECONDS',
                      help='seconds machines may take to power off (default: %(default)s)')
    down.set_defaults(do=_down)
    shell = actions.add_parser('shell', help='run a command (default: a shell) in a machine')
    shell.add_argument('machine', help='name, id or beginning of the id')
    shell.add_argument('command', nargs=argparse.REMAINDER)
    shell.set_defaults(do=_shell)
    actions.add_parser('check', help='check whether this host can run machines').set_defaults(
        do=_check)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format='%(message)s')
    try:
        return arguments.do(Layout.of(arguments.directory), arguments)
    except HypervisorError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
