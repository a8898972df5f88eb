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

"""Requirements on the host: Debian packages (without their daemons) and a virtual environment."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence

from control.commands import Commands
from control.settings import Settings

#: Package: a file that proves its installation.
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
#: Daemons that the packages would start at boot.
DAEMONS = ('rabbitmq-server.service', 'mariadb.service', 'epmd.socket', 'epmd.service',
           'postgresql.service')
REQUIREMENTS = ('requirements.txt', 'sandbox/requirements.txt', 'upper-constraints.txt',
                'setup.cfg')
_POLICY = pathlib.Path('/usr/sbin/policy-rc.d')


def missing_packages() -> list[str]:
    """Return the names of the packages that have to be installed."""
    return [name for name, proof in PACKAGES.items() if not pathlib.Path(proof).exists()]


def installed(package: str) -> bool:
    """Return whether dpkg reports a package as installed."""
    done = subprocess.run(['dpkg-query', '--show', '--showformat=${db:Status-Status}', package],
                          check=False, capture_output=True, text=True)
    return done.stdout == 'installed'


def install_packages(commands: Commands, report: Callable[[str], None],
                     more: Sequence[str] = ()) -> str:
    """Install the missing packages and return a note for the user.

    :param more: packages that tests need in addition.
    """
    missing = [*missing_packages(), *(package for package in more if not installed(package))]
    if not missing:
        return 'nothing missing'
    report(f'installing {", ".join(missing)}')
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C.UTF-8'}
    with no_daemons():
        commands.run(['apt-get', 'update', '-q'], log='apt', environment=environment, finish=True)
        commands.run([
            'apt-get', 'install', '-y', '-q', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0',
            '-o', 'Dpkg::Options::=--force-unsafe-io', '-o', 'DPkg::Lock::Timeout=300', *missing
        ], log='apt', environment=environment, finish=True)
    if pathlib.Path('/run/systemd/system').is_dir():
        subprocess.run(['systemctl', 'disable', '--quiet', '--now', *DAEMONS], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f'installed {len(missing)}'


@contextlib.contextmanager
def no_daemons() -> Iterator[None]:
    """Keep Debian from starting the daemons of packages installed meanwhile (policy-rc.d)."""
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
    """Return a hash of everything that determines the content of the virtual environment."""
    text = hashlib.sha256(f'{python}\n{settings.repository}\n'.encode())
    for name in REQUIREMENTS:
        text.update((settings.repository / name).read_bytes())
    return text.hexdigest()


def make_venv(settings: Settings, commands: Commands, python: str) -> str | None:
    """Create an empty virtual environment with pip, which the image build needs.

    :param python: interpreter of the environment.
    """
    if settings.given_venv:
        if not (settings.given_venv / 'bin' / 'python').exists():
            raise FileNotFoundError(
                f'TROVE_SANDBOX_VENV: {settings.given_venv} is not a virtual environment')
        return f'using {settings.given_venv}'
    if not pathlib.Path(settings.program('python')).exists() or not pathlib.Path(
            settings.program('pip')).exists():
        if settings.venv.exists():
            shutil.rmtree(settings.venv)
        commands.run([python, '-m', 'venv', str(settings.venv)], log='venv')
    return None


def fill_venv(settings: Settings, commands: Commands, python: str) -> str | None:
    """Install or update the services, Keystone and the clients in the virtual environment."""
    if settings.given_venv:
        return None
    stamp = settings.venv / '.made-from'
    needed = fingerprint(settings, python)
    if stamp.exists() and stamp.read_text(encoding='ascii') == needed:
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
    stamp.write_text(needed, encoding='ascii')
    return 'made'
