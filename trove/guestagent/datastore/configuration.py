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

"""Layers of an engine's configuration: base, switched logs, the tenant's options, and the agent's.

The control plane renders the base; the agent's own layer is the last. The engine reads the files in
the order of their names and the last value of an option wins. Each layer is one file that is
replaced as a whole, so an option that left a layer also leaves its file.
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
#: Maximum characters kept of an engine's reason for refusing options.
_MAX_REASON = 500


class Configuration:
    """Configuration files of one engine on this machine."""

    def __init__(self, engine: Engine, machine: Machine) -> None:
        self._engine = engine
        self._machine = machine
        described = engine.description
        layers = (described.base_file, described.logs_file, described.user_file,
                  described.system_file)
        self._base, self._logs, self._user, self._system = (
            machine.path(os.path.join(described.configuration_directory, name)) if name else ''
            for name in layers)
        self._pending: list[str] | None = None
        #: Commands and the agent's tick come from different threads.
        self._lock = threading.RLock()
        #: Paths in the order in which the engine reads them.
        self._layers = tuple(
            path for path in (self._base, self._logs, self._user, self._system) if path)

    def write_base(self, text: str) -> None:
        """Replace the layer that the control plane rendered from its template."""
        self._write(self._base, text)

    def write_user(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the configuration group; remove its file if it has no options."""
        self._write_or_remove(self._user, options)

    def write_logs(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the switched logs; remove its file if it has no options."""
        self._write_or_remove(self._logs, options)

    def logs(self) -> dict[str, str]:
        """Return the options of the layer of the switched logs."""
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
        # Only root writes and only the engine reads: the files may contain secrets.
        self._machine.write(path, text, mode=0o640, user='root',
                            group=self._engine.description.os_group)

    def user(self) -> dict[str, str]:
        """Return the options in the file of the configuration group, as the engine reads them."""
        return self._engine.parse_options(files.read(self._user) or '')

    def options(self) -> dict[str, str]:
        """Return the options of all layers together."""
        return self._merged(self.user())

    def _merged(self, user: Mapping[str, str]) -> dict[str, str]:
        merged: dict[str, str] = {}
        for path in self._layers:
            merged.update(user if path == self._user else
                          self._engine.parse_options(files.read(path) or ''))
        return merged

    # --- options in force -------------------------------------------------------------------------

    def _noted(self) -> dict[str, Any]:
        return files.read_json(self._machine.state_file(_IN_FORCE))

    def _note(self, **changes: Any) -> None:
        with self._lock:
            files.write_json(self._machine.state_file(_IN_FORCE), {**self._noted(), **changes})

    def note_in_force(self, run: str = '') -> None:
        """Record the options the engine was started with, as good ones.

        :param run: systemd's id of this run of the unit.
        """
        self._note(options=self.options(), user=self.user(), run=run, adjusted={})

    def note_taken(self, applied: Applied) -> None:
        """Record which of the written options the running engine took."""
        with self._lock:
            noted, now, user = self._noted(), self.options(), self.user()
            in_force, good, adjusted = (dict(noted.get(key) or {})
                                        for key in ('options', 'user', 'adjusted'))
            for name in applied.taken:
                for known, values in ((in_force, now), (good, user), (adjusted, applied.adjusted)):
                    known.pop(name, None)
                    if name in values:
                        known[name] = values[name]
            self._note(options=in_force, user=good, adjusted=adjusted)

    def in_force(self) -> dict[str, str] | None:
        """Return the options the engine runs with; None if it was never started here."""
        return self._noted().get('options')

    def run(self) -> str:
        """Return the run of the unit that has these options; "" if unknown."""
        return self._noted().get('run') or ''

    def adjusted(self) -> dict[str, str]:
        """Return the values that the running engine rounded or cut."""
        return self._noted().get('adjusted') or {}

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Report no new pending restarts while files and engine differ for a moment."""
        self._pending = self.pending_restart()
        try:
            yield
        finally:
            self._pending = None

    def is_changing(self) -> bool:
        """Return whether :meth:`changing` is active."""
        return self._pending is not None

    def pending_restart(self) -> list[str]:
        """Return the sorted names of options that differ from those the engine runs with."""
        pending = self._pending
        if pending is not None:
            return pending
        in_force = self.in_force()
        if in_force is None:
            return []
        rejected = self._rejected()
        now = self._merged(rejected['options']) if rejected else self.options()
        return sorted(name for name in now.keys() | in_force.keys()
                      if now.get(name) != in_force.get(name))

    # --- a user layer that the engine does not start with -----------------------------------------

    def is_untested(self) -> bool:
        """Return whether the engine was never started with the current user layer."""
        return self.user() != (self._noted().get('user') or {})

    def fall_back(self, reason: str) -> bool:
        """Replace the user layer by the last good one and keep it as rejected.

        :param reason: error of the engine.
        :returns: whether there was another layer to fall back to.
        """
        if not self.is_untested():
            return False
        self._note(rejected={'options': self.user(), 'reason': reason[:_MAX_REASON]})
        self.write_user(self._noted().get('user') or {})
        return True

    def reinstate(self) -> None:
        """Put a rejected user layer back, for another attempt or because it was not the cause."""
        rejected = self._rejected()
        if rejected:
            self.write_user(rejected['options'])
            self.forget_rejected()

    def forget_rejected(self) -> None:
        """Forget the rejected user layer, because another one was requested."""
        self._note(rejected=None)

    def rejection(self) -> str:
        """Return why the requested user layer is not in its file; "" if it is."""
        return self._rejected().get('reason') or ''

    def _rejected(self) -> dict[str, Any]:
        return self._noted().get('rejected') or {}
