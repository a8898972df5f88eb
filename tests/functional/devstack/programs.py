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

"""In place of the programs the plugin starts: ``openstack``, ``rabbitmqctl``, ``sudo``,
``ssh-keygen`` and more.

Installed under those names by :func:`install`. They write each call to ``$RECORD`` and keep what
was made in ``$PLACE/made.json``, so that a second run finds it.
"""

import json
import os
import pathlib
import stat
import subprocess
import sys
import uuid

PLACE = pathlib.Path(os.environ.get('PLACE', '.'))
MADE = PLACE / 'made.json'
#: First words of commands of the openstack client.
KINDS = ('security group', 'network', 'subnet', 'router', 'port', 'keypair', 'image')


def install(directory: pathlib.Path) -> None:
    """Put the programs into a directory of the search path."""
    directory.mkdir()
    for name in ('openstack', 'rabbitmqctl', 'rabbitmq-plugins', 'sudo', 'ssh-keygen',
                 'trove-manage', 'uwsgi'):
        program = directory / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {__file__} {name} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


def record(*words: str) -> None:
    with open(os.environ['RECORD'], 'a', encoding='utf-8') as file:
        file.write(' '.join(words) + '\n')


def made() -> dict:
    return json.loads(MADE.read_text()) if MADE.exists() else {}


def keep(state: dict) -> None:
    MADE.write_text(json.dumps(state))


def value_of(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def openstack(arguments: list[str]) -> int:
    """A cloud that knows names, ids, one property of images, and which router a port belongs to."""
    if os.environ.get('OS_CLOUD') or os.environ.get('OS_USERNAME') != 'trove':
        raise SystemExit('openstack: not called as the service user')
    record('openstack', *arguments)
    text = ' '.join(arguments)
    kind = next(kind for kind in KINDS if text.startswith(f'{kind} '))
    verb, *rest = arguments[len(kind.split()):]
    state = made()
    things = state.setdefault(kind, {})
    if kind == 'network':
        things.setdefault('public', {'id': '11111111-2222-3333-4444-555555555555'})
    if verb == 'create':
        if rest[-1] in things and kind in ('keypair', 'router'):
            raise SystemExit(f'openstack: {kind} {rest[-1]} exists')
        properties = [rest[number + 1] for number, word in enumerate(rest) if word == '--property']
        things[rest[-1]] = {'id': str(uuid.uuid4()), 'device_id': '', 'properties': properties}
        print(things[rest[-1]]['id'])
    elif verb == 'list':
        expected = value_of(rest, '--property') if '--property' in rest else None
        for name, thing in things.items():
            if expected is None or expected in thing['properties']:
                print(*([thing['id']] if 'ID' in rest else []), *([name] if 'Name' in rest else []))
    elif verb == 'show':
        thing = next(thing for name, thing in things.items() if rest[-1] in (name, thing['id']))
        print(thing[value_of(rest, '-c')])
    elif verb == 'add' and kind == 'router':
        port = next(port for port in state['port'].values() if port['id'] == rest[-1])
        if port['device_id']:
            raise SystemExit('openstack: the port is in use')
        port['device_id'] = things[rest[-2]]['id']
    elif (kind, verb) != ('router', 'set'):
        raise SystemExit(f'openstack: {text}')
    keep(state)
    return 0


def rabbitmqctl(arguments: list[str]) -> int:
    record('rabbitmqctl', *arguments)
    _, verb, *rest = arguments
    state = made()
    users, vhosts = state.setdefault('users', {}), state.setdefault('vhosts', [])
    if verb in ('list_users', 'list_vhosts'):
        print('\n'.join(
            f'{user}\t[]' for user in users) if verb == 'list_users' else '\n'.join(vhosts))
    elif verb in ('add_user', 'change_password'):
        if (rest[0] in users) != (verb == 'change_password'):
            raise SystemExit(f'rabbitmqctl: {verb} {rest[0]}')
        users[rest[0]] = sys.stdin.read().strip()
    elif verb == 'add_vhost':
        if rest[0] in vhosts:
            raise SystemExit(f'rabbitmqctl: {rest[0]} exists')
        vhosts.append(rest[0])
    elif verb == 'delete_user':
        users.pop(rest[0])
    elif verb == 'delete_vhost':
        vhosts.remove(rest[0])
    keep(state)
    return 0


def sudo(arguments: list[str]) -> int:
    """Run it, only without another user; a guest image is not built."""
    if arguments[0].endswith('/image/build'):
        record('image/build', *arguments[1:])
        directory = pathlib.Path(value_of(arguments, '--output'))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f'{arguments[1]}.qcow2').write_bytes(b'a disk')
        return 0
    return subprocess.run(arguments, check=False).returncode


def ssh_keygen(arguments: list[str]) -> int:
    record('ssh-keygen', *arguments)
    key = pathlib.Path(value_of(arguments, '-f'))
    key.write_text('a private key\n')
    key.with_name(f'{key.name}.pub').write_text('ssh-rsa AAAA\n')
    return 0


def main(name: str, *arguments: str) -> int:
    programs = {
        'openstack': openstack,
        'rabbitmqctl': rabbitmqctl,
        'sudo': sudo,
        'ssh-keygen': ssh_keygen
    }
    if name in programs:
        return programs[name](list(arguments))
    record(name, *arguments)
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
