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

"""The command ``sandbox/down``: stop everything and remove it from the host, except the data."""

import pathlib
import shutil
import sys

from control import checks, machines, processes
from control.commands import CommandError, Commands
from control.sandbox import Sandbox
from control.services import ServiceError
from control.stages import Display

#: All names in the directory of a sandbox, which is also the home of its processes. A directory
#: with any other name in it is not removed: other directories have an "etc" too.
_OURS = frozenset({
    'secrets', 'run', 'etc', 'logs', 'data', 'images', 'minicloud', 'venv', '.lock', '.cache',
    '.config', '.local', '.novaclient'
})


def main(sandbox: Sandbox, purge: bool) -> int:
    """Run the command and return its exit code."""
    if not sandbox.settings.directory.exists():
        print(f'There is no sandbox in {sandbox.settings.directory}.')
        return 0
    with sandbox.alone():
        problems = take_down(sandbox, Display(), purge)
        problems += left_behind(sandbox)
        if purge and not problems:
            problems += remove(sandbox)
    for problem in problems:
        print(f'sandbox/down: {problem}', file=sys.stderr)
    return 1 if problems else 0


def take_down(sandbox: Sandbox, display: Display, purge: bool) -> list[str]:
    """Stop services, machines and all other marked processes; go on after a failure."""
    problems = []
    # minicloud must stop watching the machines before they are removed.
    for name in reversed(list(sandbox.supervisor.services)):
        try:
            if sandbox.supervisor.stop(name):
                display.line(f'stopped {name}')
        except ServiceError as error:
            problems.append(str(error))
    try:
        machines.take_down(sandbox.settings, Commands(sandbox.settings.logs), purge)
        display.line('machines, volumes and networks are removed')
    except (CommandError, OSError) as error:
        problems.append(str(error))
    for process in processes.marked(sandbox.settings.prefix):
        display.line(f'ending the leftover process {process.pid}')
        processes.kill(process)
    machines.remove_management_bridge(sandbox.settings)
    return problems


def left_behind(sandbox: Sandbox) -> list[str]:
    """Return one line for each process, interface, mount, loop device and namespace that is left.
    """
    settings = sandbox.settings
    left = [f'process {process.pid} is left' for process in processes.marked(settings.prefix)]
    left += [
        f'network interface {path.name} is left'
        for path in pathlib.Path('/sys/class/net').iterdir()
        if path.name.startswith(settings.prefix)
    ]
    directory = str(settings.directory)
    for line in pathlib.Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines():
        mounted = line.split()[4].encode('latin-1', 'replace').decode('unicode_escape')
        if mounted.startswith(f'{directory}/'):
            left.append(f'mount {mounted} is left')
    for backing in pathlib.Path('/sys/block').glob('loop*/loop/backing_file'):
        if backing.read_text(encoding='utf-8').startswith(f'{directory}/'):
            left.append(f'loop device {backing.parent.parent.name} is left')
    spaces = pathlib.Path('/run/netns')
    if spaces.is_dir():
        left += [f'network namespace {path.name} is left' for path in spaces.iterdir()
                 if path.name.startswith(settings.prefix)]
    return left


def remove(sandbox: Sandbox) -> list[str]:
    """Remove the directory with its content, if it belongs to a sandbox."""
    directory = sandbox.settings.directory
    strange = sorted(path.name for path in directory.iterdir() if path.name not in _OURS)
    if strange:
        return [
            f'{directory} contains {", ".join(strange[:5])}, which no sandbox created; it is not '
            'removed'
        ]
    if checks.belongs_to_others(directory):
        return [f'{directory} does not look like a sandbox; it is not removed']
    shutil.rmtree(directory)
    print(f'removed {directory}')
    return []
