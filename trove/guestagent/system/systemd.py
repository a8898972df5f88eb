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

"""Units of systemd that the agent drives."""

from dataclasses import dataclass

from trove.guestagent.system import files
from trove.guestagent.system.process import append, run

_QUERY_TIMEOUT = 10
_EXPORT_TIMEOUT = 60
_PROPERTIES = 'LoadState,ActiveState,SubState,Result,NRestarts,InvocationID'


@dataclass(frozen=True)
class UnitState:
    """State of a unit in the words of systemd. ``loaded`` is false if the unit does not exist."""
    loaded: bool
    active: str
    sub: str
    result: str
    restarts: int
    #: systemd's id of this run of the unit; each start has a new one.
    run: str = ''

    @property
    def running(self) -> bool:
        return self.active == 'active'


class Unit:
    """A systemd unit of this machine."""

    def __init__(self, name: str) -> None:
        self.name = name

    def state(self) -> UnitState:
        """:raises ProcessFailed: systemd does not answer."""
        shown = run(['systemctl', 'show', self.name, f'--property={_PROPERTIES}'],
                    timeout=_QUERY_TIMEOUT).output
        found = dict(line.partition('=')[::2] for line in shown.splitlines())
        restarts = found.get('NRestarts', '')
        return UnitState(loaded=found.get('LoadState') == 'loaded',
                         active=found.get('ActiveState', ''), sub=found.get('SubState', ''),
                         result=found.get('Result', ''),
                         restarts=int(restarts) if restarts.isdigit() else 0,
                         run=found.get('InvocationID', ''))

    def start(self, timeout: float) -> None:
        """Reset the counter of failures, start the unit, and wait until systemd reports it started.
        """
        run(['systemctl', 'reset-failed', self.name], timeout=_QUERY_TIMEOUT, allowed=(0, 1, 5))
        run(['systemctl', 'start', self.name], timeout=timeout)

    def stop(self, timeout: float) -> None:
        run(['systemctl', 'stop', self.name], timeout=timeout)

    def restart(self, timeout: float) -> None:
        run(['systemctl', 'reset-failed', self.name], timeout=_QUERY_TIMEOUT, allowed=(0, 1, 5))
        run(['systemctl', 'restart', self.name], timeout=timeout)

    def restart_with(self, name: str, value: str, timeout: float) -> None:
        """Restart the unit once with one more environment variable, which must not be a secret."""
        run(['systemctl', 'set-environment', f'{name}={value}'], timeout=_QUERY_TIMEOUT)
        try:
            self.restart(timeout)
        finally:
            run(['systemctl', 'unset-environment', name], timeout=_QUERY_TIMEOUT)

    def enable(self, enabled: bool) -> None:
        """Set whether the unit starts with the machine; this setting survives a reboot."""
        run(['systemctl', 'enable' if enabled else 'disable', self.name], timeout=60)

    def enabled(self) -> bool:
        return run(['systemctl', 'is-enabled', self.name], timeout=_QUERY_TIMEOUT,
                   allowed=(0, 1, 4)).output.strip() == 'enabled'

    def drop_in(self, name: str, content: str) -> None:
        """Ensure a drop-in file; systemd reads its units again only when the text changed."""
        directory = f'/etc/systemd/system/{self.name}.service.d'
        files.directory(directory, mode=0o755)
        if files.write_if_changed(f'{directory}/{name}.conf', content):
            run(['systemctl', 'daemon-reload'], timeout=60)

    def export_journal(self, path: str, cursor: str) -> None:
        """Append the new output of the unit's own processes to a file.

        :param cursor: file with the position up to which the journal was exported.
        :raises ProcessFailed: the journal cannot be read.
        """
        append(['journalctl', f'_SYSTEMD_UNIT={self.name}.service', '--output', 'short-iso',
                '--no-pager', '--quiet', f'--cursor-file={cursor}'], path, timeout=_EXPORT_TIMEOUT,
               allowed=(0, 1))

    def recent_errors(self, lines: int = 20) -> list[str]:
        """Return the last lines of the unit's own processes, without systemd's own lines.

        The list is empty if there is no journal.
        """
        return run(['journalctl', f'_SYSTEMD_UNIT={self.name}.service', '--lines', str(lines),
                    '--output', 'cat', '--no-pager', '--boot'], timeout=_QUERY_TIMEOUT,
                   allowed=(0, 1)).output.splitlines()
