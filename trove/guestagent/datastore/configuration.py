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

"""The layers of an engine's configuration: base from the control plane, what the switched logs need, the tenant's, and
what the agent insists on.

Files are read in the order of their names and the last one wins, so each layer is one file that is replaced whole:
an option that is no longer in a layer is no longer in its file.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from trove.guestagent.datastore.engine import Applied, Engine, Place
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine

_IN_FORCE = 'options-in-force.json'
#: Characters kept of what an engine said about options it does not start with.
_MAX_REASON = 500


class Configuration:
    """Configuration files of one engine on this machine."""

    def __init__(self, engine: Engine, machine: Machine) -> None:
        self._engine = engine
        self._machine = machine
        described = engine.description
        named = (described.base_file, described.logs_file, described.user_file, described.system_file)
        self._base, self._logs, self._user, self._system = (
            machine.path(os.path.join(described.configuration_directory, name)) if name else '' for name in named)
        #: In the order in which they are read.
        self._pending: list[str] | None = None
        #: Commands and the agent's regular look come from different threads.
        self._lock = threading.RLock()
        self._layers = tuple(path for path in (self._base, self._logs, self._user, self._system) if path)

    def write_base(self, text: str) -> None:
        """Replace the layer that the control plane rendered from its template."""
        self._write(self._base, text)

    def write_user(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the configuration group; no options, no file."""
        self._write_or_remove(self._user, options)

    def write_logs(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the switched logs; no options, no file."""
        self._write_or_remove(self._logs, options)

    def logs(self) -> dict[str, str]:
        """The options of that layer."""
        return self._engine.parse_options(files.read(self._logs) or '')

    def _write_or_remove(self, path: str, options: Mapping[str, str]) -> None:
        if options:
            self._write(path, self._engine.render_options(options))
        else:
            files.remove(path)

    def write_system(self, place: Place) -> None:
        """Replace the agent's own layer."""
        self._write(self._system, self._engine.render_options(self._engine.system_options(place)))

    def _write(self, path: str, text: str) -> None:
        # Root writes, the engine's account reads: what stands here is nobody else's to see.
        self._machine.write(path, text, mode=0o640, user='root', group=self._engine.description.os_group)

    def user(self) -> dict[str, str]:
        """The options of the configuration group in the files, as the engine would read them."""
        return self._engine.parse_options(files.read(self._user) or '')

    def options(self) -> dict[str, str]:
        """What the layers say together."""
        return self._merged(self.user())

    def _merged(self, user: Mapping[str, str]) -> dict[str, str]:
        merged: dict[str, str] = {}
        for path in self._layers:
            merged.update(user if path == self._user else self._engine.parse_options(files.read(path) or ''))
        return merged

    # --- what is in force -------------------------------------------------------------------------

    def _noted(self) -> dict[str, Any]:
        return files.read_json(self._machine.state_file(_IN_FORCE))

    def _note(self, **changes: Any) -> None:
        with self._lock:
            files.write_json(self._machine.state_file(_IN_FORCE), {**self._noted(), **changes})

    def note_in_force(self, run: str = '') -> None:
        """Remember the options the engine was started with: they are good ones.

        :param run: systemd's name for this run of the unit.
        """
        self._note(options=self.options(), user=self.user(), run=run, adjusted={})

    def note_taken(self, applied: Applied) -> None:
        """Remember what the running engine took of the options that have been written."""
        with self._lock:
            noted, now, user = self._noted(), self.options(), self.user()
            in_force, good, adjusted = (dict(noted.get(key) or {}) for key in ('options', 'user', 'adjusted'))
            for name in applied.taken:
                for known, values in ((in_force, now), (good, user), (adjusted, applied.adjusted)):
                    known.pop(name, None)
                    if name in values:
                        known[name] = values[name]
            self._note(options=in_force, user=good, adjusted=adjusted)

    def in_force(self) -> dict[str, str] | None:
        """The options the engine runs with; None when it was never started here."""
        return self._noted().get('options')

    def run(self) -> str:
        """The run of the unit that these are of; "" when that is not known."""
        return self._noted().get('run') or ''

    def adjusted(self) -> dict[str, str]:
        """What the running engine made of values it rounded or cut."""
        return self._noted().get('adjusted') or {}

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """While files are ahead of the engine for a moment, nothing is said to wait that did not wait before."""
        self._pending = self.pending_restart()
        try:
            yield
        finally:
            self._pending = None

    def is_changing(self) -> bool:
        """Whether files are ahead of the engine just now."""
        return self._pending is not None

    def pending_restart(self) -> list[str]:
        """Names of options that differ from those the engine runs with, sorted."""
        pending = self._pending
        if pending is not None:
            return pending
        in_force = self.in_force()
        if in_force is None:
            return []
        rejected = self._rejected()
        now = self._merged(rejected['options']) if rejected else self.options()
        return sorted(name for name in now.keys() | in_force.keys() if now.get(name) != in_force.get(name))

    # --- a user layer that the engine does not start with -----------------------------------------

    def is_untested(self) -> bool:
        """Whether the engine was never started with the user layer as it stands in its file."""
        return self.user() != (self._noted().get('user') or {})

    def fall_back(self, reason: str) -> bool:
        """Put the last good user layer in the place of one the engine refuses; that one is kept as rejected.

        :param reason: what the engine said.
        :returns: whether there was another to fall back to.
        """
        if not self.is_untested():
            return False
        self._note(rejected={'options': self.user(), 'reason': reason[:_MAX_REASON]})
        self.write_user(self._noted().get('user') or {})
        return True

    def reinstate(self) -> None:
        """Put a rejected user layer back, for another try or because it was not to blame."""
        rejected = self._rejected()
        if rejected:
            self.write_user(rejected['options'])
            self.forget_rejected()

    def forget_rejected(self) -> None:
        """Another user layer has been asked for."""
        self._note(rejected=None)

    def rejection(self) -> str:
        """Why the user layer that was asked for is not the one in the file; "" when it is."""
        return self._rejected().get('reason') or ''

    def _rejected(self) -> dict[str, Any]:
        return self._noted().get('rejected') or {}
