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

"""The options of a configuration group: taken by the running engine, or refused and taken back."""

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
#: Options whose refusal is told, and characters of what the engine said about one.
_MOST = 5
_REASON = 150

#: A value as configuration groups have them.
Value = bool | int | float | str


class UserOptions:
    """The layer of the configuration group, over a running or a stopped engine.

    :param place: where the engine's data lives, asked for when it is needed.
    """

    def __init__(self, engine: Engine, configuration: Configuration, lifecycle: Lifecycle,
                 place: Callable[[], Place]) -> None:
        self._engine = engine
        self._configuration = configuration
        self._lifecycle = lifecycle
        self._place = place
        #: What the last look found.
        self._drifted: list[str] = []

    def rendered(self, values: Mapping[str, Value]) -> dict[str, str]:
        """The values as the engine's files say them.

        :raises EngineError: one cannot be written.
        """
        text = {name: self._engine.option_text(value) for name, value in values.items()}
        try:
            return self._engine.parse_options(self._engine.render_options(text))
        except ValueError as error:
            raise EngineError(str(error), code=REFUSED) from None

    def apply(self, values: Mapping[str, Value], progress: Callable[[str], None]) -> dict[str, Any]:
        """Make the layer be these values and no others; what the engine can take while it runs is in force.

        :returns: ``taken``, names that are in force now; ``waiting``, all names that wait for a restart; ``adjusted``,
            what the engine made of values it rounded or cut.
        :raises EngineError: it was refused; layer and engine are what they were.
        """
        wanted = self.rendered(values)
        configuration = self._configuration
        before = configuration.in_force()
        former = configuration.user()
        with configuration.changing():
            configuration.write_user(wanted)
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
        """Tell the engine what the files say now, or, when it refuses any of it, what they said before."""
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
        # The file first: there are engines that take nothing but what stands in their files.
        self._configuration.write_user(former)
        try:
            self._engine.apply_options({name: before.get(name) for name in names})
        except EngineError as error:
            # What is in force then differs from the files, which the next report says.
            LOG.warning('The former options could not be put in force again: %s', error.message)

    # --- at a start -------------------------------------------------------------------------------

    def check(self) -> None:
        """Before a restart: a layer rejected before has another chance, but no broken one takes the engine down.

        :raises EngineError: the engine would not start with what is wanted; the layer in the file is a good one.
        """
        self._configuration.reinstate()
        try:
            self._engine.validate_configuration(self._place())
        except EngineError as error:
            if not self._configuration.fall_back(error.message):
                raise
            raise self._reverted(error.message) from None

    def settle(self) -> None:
        """After the engine came up.

        :raises EngineError: it runs, but not with what was wanted.
        """
        reason = self._configuration.rejection()
        if reason:
            raise self._reverted(reason)

    def write_first(self, values: Mapping[str, Value]) -> None:
        """Write the layer before the first start: whatever the group says, the engine is to come up.

        :raises EngineError: it would not even without the group.
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
            f'The database runs with the last options it could start with, because it does not start '
            f'with those of its configuration group: {reason}', code=REVERTED)

    # --- what others changed ----------------------------------------------------------------------

    def drifted(self) -> list[str]:
        """Names of options that somebody changed in the running engine, sorted; [] while it does not answer.

        While options are being applied, those that were found before.
        """
        found = self._drifted if self._configuration.is_changing() else self._look_for_drift()
        if not self._configuration.is_changing():
            self._drifted = found
        return self._drifted

    def _look_for_drift(self) -> list[str]:
        pending = set(self._configuration.pending_restart())
        wanted = {
            name: value
            for name, value in self._configuration.options().items()
            if name not in pending
        }
        try:
            found = self._engine.drifted_options(wanted)
        except (EngineError, ProcessFailed) as error:
            LOG.debug('Whether options drifted is not known: %s', error)
            return []
        adjusted = self._configuration.adjusted()
        return sorted(name for name, value in found.items() if adjusted.get(name) != value)


def refusal(refused: Mapping[str, str]) -> str:
    """A sentence about options that an engine refused, the first few of them."""
    told = [f'{name}: {reason[:_REASON]}' for name, reason in sorted(refused.items())]
    more = f'; and {len(told) - _MOST} more' if len(told) > _MOST else ''
    return f'The engine refuses {"; ".join(told[:_MOST])}{more}'
