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

"""What the host needs: Debian packages (without their daemons left running) and a virtual environment."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence

from control.commands import Commands
from control.settings import Settings

#: package: a file that says it is there
PACKAGES = {
    'ca-certificates': '/etc/ssl/certs/ca-certificates.crt',
    'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
    'e2fsprogs': '/sbin/mke2fs',
    'iproute2': '/bin/ip',
    'mariadb-client': '/usr/bin/mariadb',
    'mariadb-server': '/usr/sbin/mariadbd',
    'mmdebstrap': '/usr/bin/mmdebstrap',
    'mount': '/bin/mount',
    'nftables': '/usr/sbin/nft',
    'procps': '/sbin/sysctl',
    'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
    'systemd-container': '/usr/bin/systemd-nspawn',
    'util-linux': '/usr/bin/nsenter',
}
#: Daemons that those packages would start with the machine.
DAEMONS = ('rabbitmq-server.service', 'mariadb.service', 'epmd.socket', 'epmd.service',
           'postgresql.service')
REQUIREMENTS = ('requirements.txt', 'sandbox/requirements.txt', 'upper-constraints.txt',
                'setup.cfg')
_POLICY = pathlib.Path('/usr/sbin/policy-rc.d')


def missing_packages() -> list[str]:
    """Packages that have to be installed."""
    return [name for name, proof in PACKAGES.items() if not pathlib.Path(proof).exists()]


def installed(package: str) -> bool:
    """Whether dpkg knows a package as installed."""
    done = subprocess.run(['dpkg-query', '--show', '--showformat=${db:Status-Status}', package],
                          check=False, capture_output=True, text=True)
    return done.stdout == 'installed'


def install_packages(commands: Commands, say: Callable[[str], None],
                     more: Sequence[str] = ()) -> str:
    """Install what is missing.

    :param more: packages that tests need beyond those of the sandbox.
    """
    missing = [*missing_packages(), *(package for package in more if not installed(package))]
    if not missing:
        return 'nothing missing'
    say(f'installing {", ".join(missing)}')
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C.UTF-8'}
    with no_daemons():
        commands.run(['apt-get', 'update', '-q'], log='apt', environment=environment, finish=True)
        commands.run([
            'apt-get', 'install', '-y', '-q', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0',
            '-o', 'Dpkg::Options::=--force-unsafe-io', *missing
        ], log='apt', environment=environment, finish=True)
    if pathlib.Path('/run/systemd/system').is_dir():
        subprocess.run(['systemctl', 'disable', '--quiet', '--now', *DAEMONS], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f'installed {len(missing)}'


@contextlib.contextmanager
def no_daemons() -> Iterator[None]:
    """While this holds, installing a package does not start its daemon (Debian's policy-rc.d)."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text('#!/bin/sh\n# The sandbox runs servers of its own.\nexit 101\n',
                       encoding='ascii')
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def fingerprint(settings: Settings, python: str) -> str:
    """What the content of a virtual environment depends on."""
    text = hashlib.sha256(f'{python}\n{settings.repository}\n'.encode())
    for name in REQUIREMENTS:
        text.update((settings.repository / name).read_bytes())
    return text.hexdigest()


def make_venv(settings: Settings, commands: Commands, python: str) -> str | None:
    """Make an empty virtual environment; it has pip, which building the image needs.

    :param python: interpreter it is made from.
    """
    if settings.given_venv:
        if not (settings.given_venv / 'bin' / 'python').exists():
            raise FileNotFoundError(
                f'TROVE_SANDBOX_VENV: {settings.given_venv} is no virtual environment')
        return f'using {settings.given_venv}'
    if not pathlib.Path(settings.program('python')).exists() or not pathlib.Path(
            settings.program('pip')).exists():
        if settings.venv.exists():
            shutil.rmtree(settings.venv)
        commands.run([python, '-m', 'venv', str(settings.venv)], log='venv')
    return None


def fill_venv(settings: Settings, commands: Commands, python: str) -> str | None:
    """Install the services, Keystone and the clients into the virtual environment, or bring it up to date."""
    if settings.given_venv:
        return None
    stamp = settings.venv / '.made-from'
    wanted = fingerprint(settings, python)
    if stamp.exists() and stamp.read_text(encoding='ascii') == wanted:
        return 'up to date'
    stamp.unlink(missing_ok=True)
    repository = settings.repository
    pip = [
        settings.program('python'), '-m', 'pip', '--disable-pip-version-check', 'install',
        '--quiet', '--constraint',
        str(repository / 'upper-constraints.txt')
    ]
    commands.run([*pip, 'setuptools', 'wheel', '-r', str(repository / 'requirements.txt'),
                  '-r', str(repository / 'sandbox' / 'requirements.txt')], log='venv')
    commands.run([*pip, '--no-deps', '--no-build-isolation', '--editable',
                  str(repository)], log='venv')
    stamp.write_text(wanted, encoding='ascii')
    return 'made'
