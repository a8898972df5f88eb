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

"""Options of a configuration group: taken by the running engine, or refused and reverted."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from trove.guestagent.datastore.configuration import Configuration
from trove.guestagent.datastore.engine import Applied, Engine, EngineError, Place
from trove.guestagent.datastore.lifecycle import Lifecycle
from trove.guestagent.system.process import ProcessFailed

LOG = logging.getLogger(__name__)

REFUSED = 'guest_configuration_refused'
REVERTED = 'guest_configuration_taken_back'
#: Refused options that an error names, and maximum characters of the reason for each.
_MOST = 5
_REASON = 150

#: Type of values in configuration groups.
Value = bool | int | float | str


class UserOptions:
    """Layer of the configuration group, for a running or a stopped engine.

    :param place: returns where the engine's data are.
    """

    def __init__(self, engine: Engine, configuration: Configuration, lifecycle: Lifecycle,
                 place: Callable[[], Place]) -> None:
        self._engine = engine
        self._configuration = configuration
        self._lifecycle = lifecycle
        self._place = place
        #: Result of the last check for drift.
        self._drifted: list[str] = []

    def rendered(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Return the values as the engine's files have them.

        :raises EngineError: a value cannot be written.
        """
        text = {name: self._engine.option_text(value) for name, value in values.items()}
        try:
            return self._engine.parse_options(self._engine.render_options(text))
        except ValueError as error:
            raise EngineError(str(error), code=REFUSED) from None

    def apply(self, values: Mapping[str, Value], progress: Callable[[str], None]) -> dict[str, Any]:
        """Replace the layer by these values and put in force what the running engine can take.

        :returns: ``taken``, names in force now; ``waiting``, all names that wait for a restart;
            ``adjusted``, the values that the engine rounded or cut.
        :raises EngineError: the options were refused; layer and engine are unchanged.
        """
        requested = self.rendered(values)
        configuration = self._configuration
        before = configuration.in_force()
        former = configuration.user()
        with configuration.changing():
            configuration.write_user(requested)
            try:
                progress('validate')
                self._engine.validate_configuration(self._place())
                progress('apply')
                applied = self._take(before, former)
            except EngineError as error:
                configuration.write_user(former)
                code = REFUSED if error.code == EngineError.code else error.code
                raise EngineError(error.message, code=code) from None
            configuration.forget_rejected()
            configuration.note_taken(applied)
        return {'taken': sorted(applied.taken), 'waiting': configuration.pending_restart(),
                'adjusted': dict(applied.adjusted)}

    def _take(self, before: Mapping[str, str] | None, former: Mapping[str, str]) -> Applied:
        """Apply the files to the running engine; apply the former values if any is refused."""
        now = self._configuration.options()
        before = {} if before is None else before
        changes = {
            name: now.get(name)
            for name in now.keys() | before.keys()
            if now.get(name) != before.get(name)
        }
        if not changes or not self._lifecycle.is_up():
            return Applied(waiting=frozenset(changes))
        try:
            applied = self._engine.apply_options(changes)
            refused = dict(applied.refused)
        except EngineError:
            self._revert(changes, before, former)
            raise
        if refused:
            self._revert(applied.taken, before, former)
            raise EngineError(refusal(refused), code=REFUSED)
        return applied

    def _revert(self, names: Any, before: Mapping[str, str], former: Mapping[str, str]) -> None:
        # Write the file first: some engines take options only from their files.
        self._configuration.write_user(former)
        try:
            self._engine.apply_options({name: before.get(name) for name in names})
        except EngineError as error:
            # The engine then differs from the files, which the next report contains.
            LOG.warning('The former options could not be restored: %s', error.message)

    # --- at a start -------------------------------------------------------------------------------

    def check(self) -> None:
        """Check the layer before a restart, including one rejected before.

        :raises EngineError: the engine would not start with it; a good layer is in its place.
        """
        self._configuration.reinstate()
        try:
            self._engine.validate_configuration(self._place())
        except EngineError as error:
            if not self._configuration.fall_back(error.message):
                raise
            raise self._reverted(error.message) from None

    def settle(self) -> None:
        """Check after a start that the engine runs with the requested layer.

        :raises EngineError: the engine runs with another one.
        """
        reason = self._configuration.rejection()
        if reason:
            raise self._reverted(reason)

    def write_first(self, values: Mapping[str, Value]) -> None:
        """Write the layer before the first start, without it if the engine refuses it.

        :raises EngineError: the engine refuses its configuration even without this layer.
        """
        self._configuration.forget_rejected()
        self._configuration.write_user(self.rendered(values))
        try:
            self._engine.validate_configuration(self._place())
        except EngineError as error:
            if not self._configuration.fall_back(error.message):
                raise
            try:
                self._engine.validate_configuration(self._place())
            except EngineError:
                self._configuration.reinstate()
                raise error from None

    @staticmethod
    def _reverted(reason: str) -> EngineError:
        return EngineError(
            f'The database runs with the last options it could start with, because it does not '
            f'start with those of its configuration group: {reason}', code=REVERTED)

    # --- drift ------------------------------------------------------------------------------------

    def drifted(self) -> list[str]:
        """Return sorted names of options changed in the running engine by others.

        The list is empty while the engine does not answer, and unchanged while options are applied.
        """
        found = self._drifted if self._configuration.is_changing() else self._look_for_drift()
        if not self._configuration.is_changing():
            self._drifted = found
        return self._drifted

    def _look_for_drift(self) -> list[str]:
        pending = set(self._configuration.pending_restart())
        expected = {
            name: value
            for name, value in self._configuration.options().items()
            if name not in pending
        }
        try:
            found = self._engine.drifted_options(expected)
        except (EngineError, ProcessFailed) as error:
            LOG.debug('The drift of options is unknown: %s', error)
            return []
        adjusted = self._configuration.adjusted()
        return sorted(name for name, value in found.items() if adjusted.get(name) != value)


def refusal(refused: Mapping[str, str]) -> str:
    """Return a sentence about the first few options that an engine refused."""
    reasons = [f'{name}: {reason[:_REASON]}' for name, reason in sorted(refused.items())]
    more = f'; and {len(reasons) - _MOST} more' if len(reasons) > _MOST else ''
    return f'The engine refuses {"; ".join(reasons[:_MOST])}{more}'
