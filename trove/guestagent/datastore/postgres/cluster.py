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
"""The data directory of a PostgreSQL server and what has to stand around it: made, and shown to the server's program,
which says whether it would start.
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
#: What the server reads of its data directory before it begins to work; the last is what ALTER SYSTEM writes.
_LOOKED_AT = (MAJOR_FILE, _CONTROL_FILE, 'postgresql.auto.conf')
_SCRATCH_PARENT = '/run'
_MIB = 1024 * 1024
#: Sizes made from that of the volume, in MiB: the smallest and the largest, and the part of the volume in between.
_WAL_SIZES = {
    'max_wal_size': (96, 8192, 10),
    'min_wal_size': (32, 1024, 40),
    'max_slot_wal_keep_size': (64, 65536, 5)
}
_SAID = re.compile(r'^(?:(?:.*?\s)?(?:LOG|FATAL|PANIC|ERROR):\s+|\S*postgres: )(.*)$')
_EMPTY_WORDS = ('contains errors', 'database system is shut down', 'skipping missing')


def as_engine(argv: list[str], *, timeout: float) -> Finished:
    """Run a program as the engine's account.

    :raises ProcessFailed: it failed.
    """
    return run(['setpriv', f'--reuid={USER}', f'--regid={USER}', '--init-groups', '--', *argv],
               timeout=timeout)


def major_of(data_directory: str) -> str:
    """The major version that made a data directory; "" for none."""
    return (files.read(os.path.join(data_directory, MAJOR_FILE)) or '').strip()


def make(programs: str, data_directory: str, timeout: float) -> None:
    """A pristine cluster: checksums, UTF-8, the agent's role as its administrator. Made under another name and renamed
    when complete: a crash in between leaves no half of a cluster.

    :param programs: directory of the server's programs.
    :raises ProcessFailed: it could not be made.
    """
    unfinished = data_directory + '.unfinished'
    shutil.rmtree(unfinished, ignore_errors=True)
    files.directory(os.path.dirname(data_directory), mode=0o700, user=USER, group=USER)
    # All of it is on disk before it gets its name; initdb itself would wait for each file.
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
    """Ensure everything the server reads besides the layers: its main file, who may come in, its certificate, sizes.

    :raises ProcessFailed: the certificate could not be made.
    """
    inner = os.path.join(configuration_directory, 'conf.d')
    for directory in (configuration_directory, inner):
        files.directory(directory, mode=0o755, user='root', group='root')
    texts = {
        'postgresql.conf': "# Written by the database service; local changes are lost.\ninclude_dir = 'conf.d'\n",
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
    """MiB of the file system that holds the data."""
    found = os.statvfs(place.mount_point)
    return found.f_blocks * found.f_frsize // _MIB


def volume_options(size: int) -> dict[str, str]:
    """Sizes of the write-ahead log for a volume of this many MiB.

    The template knows the memory only; on a small volume what suits much memory would fill it. They are read before
    the template, which may set others.
    """
    return {name: f'{min(largest, max(smallest, size // part))}MB'
            for name, (smallest, largest, part) in _WAL_SIZES.items()}


def would_start(server: str, place: Place, fixed: Mapping[str, str], memory: int) -> None:
    """Ask the server binary whether it takes the files, without starting it and beside one that runs: it computes the
    shared memory it needs over a copy of the few files it looks at for that.

    :param memory: MiB of the machine.
    :raises EngineError: it does not; says why.
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
    wanted = int(found.output.strip() or 0)
    if wanted > memory * 9 // 10:
        raise EngineError(
            f'The engine refuses its configuration: it would need {wanted} MB of shared memory '
            f'(shared_buffers, max_connections), and the server has {memory} MB.')


def reason(errors: str) -> str:
    """What is wrong, from what the server said."""
    found = [match[1].strip() for match in map(_SAID.match, errors.splitlines()) if match]
    telling = [line for line in found if not any(word in line for word in _EMPTY_WORDS)
               ] or found or [errors.strip()]
    return '; '.join(dict.fromkeys(telling))[:500]
