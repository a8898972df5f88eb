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

"""The commands ``sandbox/status``, ``sandbox/openrc`` and ``sandbox/logs``."""

import os
import pathlib
import sys
import time
from collections.abc import Sequence

from control import images, keystone, processes, rest
from control.sandbox import Sandbox
from control.settings import REGION


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Return text columns as wide as their longest cell."""
    every = [tuple(head), *[tuple(row) for row in rows]]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every)


def resident_megabytes(pid: int) -> int:
    """Return the memory of a session's processes in MB, shared pages counted proportionally.

    Machines have sessions of their own.
    """
    total = 0
    for member in processes.session(pid):
        try:
            text = pathlib.Path(f'/proc/{member.pid}/smaps_rollup').read_text(
                encoding='ascii', errors='replace')
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith('Pss:'))
    return total // 1024


def show(sandbox: Sandbox) -> int:
    """Print services and machines; return 0 when every service runs."""
    rows = []
    for name, service in sandbox.supervisor.services.items():
        process = sandbox.supervisor.running(name)
        if process is None:
            rows.append((name, 'stopped', '', '', '', service.address))
            continue
        since = time.strftime('%H:%M:%S', time.localtime(
            time.time() - sandbox.supervisor.record(name).age()))
        state = 'running' if service.ready() else 'not ready'
        rows.append((name, state, str(process.pid), f'{resident_megabytes(process.pid)} MB', since,
                     service.address))
    print(f'Sandbox in {sandbox.settings.directory}\n')
    print(table(rows, ('SERVICE', 'STATE', 'PROCESS', 'MEMORY', 'SINCE', 'ADDRESS')))
    if sandbox.supervisor.running('minicloud') and sandbox.supervisor.running('keystone'):
        print('\n' + machines(sandbox))
    print('\n' + table([(image.name, images.state(sandbox.settings, image))
                        for image in images.offered(sandbox.settings)], ('IMAGE', 'STATE')))
    return 0 if all(row[1] == 'running' for row in rows) else 1


def machines(sandbox: Sandbox) -> str:
    """Return the machines with the instances they belong to."""
    session = keystone.session(sandbox.settings, sandbox.store, 'admin')
    try:
        servers = session.call('GET', 'compute', '/servers/detail?all_tenants=1')['servers']
    except rest.RestError as error:
        return f'The machines cannot be listed: {error}'
    rows = [(server['name'], server['status'], server['id'],
             server['metadata'].get('trove_instance_id', '-'),
             ', '.join(f'{name} {address["addr"]}'
                       for name, addresses in sorted(server['addresses'].items())
                       for address in addresses)) for server in servers]
    if not rows:
        return 'No machines.'
    return table(rows, ('MACHINE', 'STATE', 'SERVER', 'INSTANCE', 'ADDRESSES'))


def openrc(sandbox: Sandbox, user: str) -> int:
    """Print the exports of a user for the shell."""
    if user != 'admin' and user not in keystone.USERS:
        print(f'sandbox/openrc: unknown user {user}; users: admin, {", ".join(keystone.USERS)}',
              file=sys.stderr)
        return 2
    if not (sandbox.settings.secrets / f'keystone-{user}').exists():
        print(f'sandbox/openrc: there is no sandbox in {sandbox.settings.directory}; '
              'run sandbox/up', file=sys.stderr)
        return 1
    project = 'admin' if user == 'admin' else keystone.USERS[user][0]
    values = {
        'OS_AUTH_URL': sandbox.settings.url('keystone', '/v3'), 'OS_IDENTITY_API_VERSION': '3',
        'OS_USERNAME': user, 'OS_PASSWORD': sandbox.store.get(f'keystone-{user}'),
        'OS_PROJECT_NAME': project, 'OS_USER_DOMAIN_NAME': 'Default',
        'OS_PROJECT_DOMAIN_NAME': 'Default', 'OS_REGION_NAME': REGION}
    for name in ('OS_TOKEN', 'OS_CLOUD', 'OS_PROJECT_ID', 'OS_TENANT_NAME', 'OS_TENANT_ID',
                 'OS_AUTH_TYPE'):
        print(f'unset {name}')
    for name, value in values.items():
        print(f"export {name}='{value}'")
    programs = sandbox.settings.venv / 'bin'
    print(f'case ":$PATH:" in *:{programs}:*) ;; *) export PATH="$PATH:{programs}" ;; esac')
    return 0


def logs(sandbox: Sandbox, name: str | None, follow: bool) -> int:
    """Print the end of one log or of all services' logs."""
    directory = sandbox.settings.logs
    known = sorted(path.stem for path in directory.glob('*.log'))
    if name is not None and name not in known:
        print(f'sandbox/logs: there is no log of {name}; logs: '
              f'{", ".join(known) or "none"}', file=sys.stderr)
        return 2
    names = [name] if name else [one for one in known if one in sandbox.supervisor.services]
    if not names:
        print(f'sandbox/logs: nothing has run in {sandbox.settings.directory} yet', file=sys.stderr)
        return 1
    files = [str(directory / f'{one}.log') for one in names]
    sys.stdout.flush()
    os.execvp('tail', ['tail', f'--lines={50 if len(files) == 1 else 10}',
                       *(['--follow=name'] if follow else []), *files])
    return 127
