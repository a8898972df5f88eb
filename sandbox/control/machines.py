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

"""Machines on the host, handled without minicloud: requirements, management bridge, removal."""

import pathlib
import subprocess

from control import cloud
from control.commands import Commands
from control.settings import Settings


def make_management_bridge(settings: Settings) -> bool:
    """Create the bridge of the guests' management ports, so that the broker can listen on it at
    once.

    minicloud uses an existing bridge unchanged.

    :returns: False when the bridge existed.
    """
    bridge, address = settings.bridge('management'), settings.host_address('management')
    fresh = not pathlib.Path('/sys/class/net', bridge).exists()
    if fresh:
        subprocess.run(['ip', 'link', 'add', bridge, 'type', 'bridge'], check=True,
                       capture_output=True)
    subprocess.run(['ip', 'address', 'replace', f'{address}/24', 'dev', bridge], check=True,
                   capture_output=True)
    subprocess.run(['ip', 'link', 'set', bridge, 'up'], check=True, capture_output=True)
    return fresh


def remove_management_bridge(settings: Settings) -> None:
    """Remove the management bridge if it exists."""
    subprocess.run(['ip', 'link', 'delete', settings.bridge('management')], check=False,
                   capture_output=True)


def check(settings: Settings, commands: Commands, python: str) -> None:
    """Try every kernel feature that machines use, with the installed programs.

    :raises CommandError: the host lacks a feature; the text names it.
    """
    # The check mounts a file system; an interrupted check would leave it mounted.
    commands.run([python, '-m', 'minicloud.machines', 'check'], log='machines-check',
                 environment=cloud.environment(settings), finish=True)


def take_down(settings: Settings, commands: Commands | None, purge: bool) -> None:
    """Stop all machines and remove their devices from the host; works without minicloud.

    :raises CommandError: something could not be removed; the text names it.
    """
    commands = commands or Commands(settings.logs)
    python = settings.program('python') if pathlib.Path(
        settings.program('python')).exists() else '/usr/bin/python3'
    commands.run(
        [python, '-m', 'minicloud.machines', 'down', '--all', *(['--purge'] if purge else [])],
        log='machines-down', environment=cloud.environment(settings))
