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
"""Data directory of a PostgreSQL server and the files around it, and their check by the server's
program.
"""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping

from trove.guestagent.datastore.engine import EngineError, Place
from trove.guestagent.datastore.postgres import access, options, statements
from trove.guestagent.system import certificate, files
from trove.guestagent.system.process import Finished, ProcessFailed, run

USER = 'postgres'
MAJOR_FILE = 'PG_VERSION'
_CONTROL_FILE = 'global/pg_control'
#: Files that the server reads before it begins; ALTER SYSTEM writes the last one.
_LOOKED_AT = (MAJOR_FILE, _CONTROL_FILE, 'postgresql.auto.conf')
_SCRATCH_PARENT = '/run'
_MIB = 1024 * 1024
#: Sizes in MiB that depend on the volume: minimum, maximum, and divisor of the volume's size.
_WAL_SIZES = {
    'max_wal_size': (96, 8192, 10),
    'min_wal_size': (32, 1024, 40),
    'max_slot_wal_keep_size': (64, 65536, 5)
}
_ERROR_LINE = re.compile(
    r'^(?:(?:.*?\s)?(?:LOG|FATAL|PANIC|ERROR):\s+|\S*postgres: )(.*)$')
_EMPTY_WORDS = ('contains errors', 'database system is shut down', 'skipping missing')


def as_engine(argv: list[str], *, timeout: float) -> Finished:
    """Run a program as the engine's account.

    :raises ProcessFailed: the program failed.
    """
    return run(['setpriv', f'--reuid={USER}', f'--regid={USER}', '--init-groups', '--', *argv],
               timeout=timeout)


def major_of(data_directory: str) -> str:
    """Return the major version of a data directory; "" without one."""
    return (files.read(os.path.join(data_directory, MAJOR_FILE)) or '').strip()


def make(programs: str, data_directory: str, timeout: float) -> None:
    """Create a cluster with checksums, UTF-8 and the agent's role as its administrator.

    The cluster is created under another name and renamed, so that a crash leaves none in part.

    :param programs: directory of the server's programs.
    :raises ProcessFailed: the cluster could not be created.
    """
    unfinished = data_directory + '.unfinished'
    shutil.rmtree(unfinished, ignore_errors=True)
    files.directory(os.path.dirname(data_directory), mode=0o700, user=USER, group=USER)
    # Sync once before the rename; initdb itself would sync each file.
    as_engine([
        f'{programs}/initdb', f'--pgdata={unfinished}', f'--username={access.AGENT}',
        '--encoding=UTF8', f'--locale={statements.LOCALE}', '--data-checksums', '--auth-local=peer',
        '--auth-host=scram-sha-256', '--no-sync', '--no-instructions'
    ], timeout=timeout)
    run(['sync', '--file-system', unfinished], timeout=timeout)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(data_directory)
    os.rename(unfinished, data_directory)


def surround(place: Place, configuration_directory: str, tls_directory: str) -> None:
    """Ensure all files besides the layers: main file, authentication, certificate, WAL sizes.

    :raises ProcessFailed: the certificate could not be created.
    """
    inner = os.path.join(configuration_directory, 'conf.d')
    for directory in (configuration_directory, inner):
        files.directory(directory, mode=0o755, user='root', group='root')
    texts = {
        'postgresql.conf': ('# Written by the database service; local changes are lost.\n'
                            "include_dir = 'conf.d'\n"),
        'pg_hba.conf': access.rules(),
        'pg_ident.conf': access.identities(),
        'conf.d/60-trove-volume.conf': options.render(volume_options(volume_size(place)))
    }
    for name, text in texts.items():
        files.write_if_changed(os.path.join(configuration_directory, name), text, mode=0o640,
                               user='root', group=USER)
    files.directory(place.log_directory, mode=0o750, user=USER, group=USER)
    certificate.ensure_self_signed(tls_directory, USER)


def volume_size(place: Place) -> int:
    """Return the MiB of the data's file system."""
    found = os.statvfs(place.mount_point)
    return found.f_blocks * found.f_frsize // _MIB


def volume_options(size: int) -> dict[str, str]:
    """Return sizes of the write-ahead log for a volume of ``size`` MiB.

    The template knows only the memory, and sizes for much memory would fill a small volume. The
    server reads these options before the template, which may override them.
    """
    return {name: f'{min(largest, max(smallest, size // part))}MB'
            for name, (smallest, largest, part) in _WAL_SIZES.items()}


def would_start(server: str, place: Place, fixed: Mapping[str, str], memory: int) -> None:
    """Check the files with the server binary, without starting it, beside a running server.

    The binary computes its shared memory from a copy of the few files it reads for that.

    :param memory: MiB of the machine.
    :raises EngineError: the server refuses the files; contains the reason.
    """
    with tempfile.TemporaryDirectory(prefix='trove-db-check-', dir=_SCRATCH_PARENT) as scratch:
        data = os.path.join(scratch, 'data')
        os.chmod(scratch, 0o711)
        files.directory(os.path.join(data, os.path.dirname(_CONTROL_FILE)), mode=0o700)
        for name in filter(lambda name: os.path.exists(os.path.join(place.data_directory, name)),
                           _LOOKED_AT):
            shutil.copyfile(os.path.join(place.data_directory, name), os.path.join(data, name))
        files.chown_tree(data, USER, USER)
        os.chmod(data, 0o700)
        try:
            found = as_engine(
                [*options.command_line(server, data, fixed), '-C', 'shared_memory_size'],
                timeout=30)
        except ProcessFailed as error:
            raise EngineError(
                f'The engine refuses its configuration: {reason(error.errors)}') from None
    needed = int(found.output.strip() or 0)
    if needed > memory * 9 // 10:
        raise EngineError(
            f'The engine refuses its configuration: it would need {needed} MB of shared memory '
            f'(shared_buffers, max_connections), and the server has {memory} MB.')


def reason(errors: str) -> str:
    """Return the error in the server's output."""
    found = [match[1].strip() for match in map(_ERROR_LINE.match, errors.splitlines()) if match]
    useful = [line for line in found if not any(word in line for word in _EMPTY_WORDS)
              ] or found or [errors.strip()]
    return '; '.join(dict.fromkeys(useful))[:500]
