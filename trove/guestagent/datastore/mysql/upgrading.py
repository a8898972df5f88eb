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


"""Allowed upgrades between MySQL versions; the new server converts the data at its first start."""

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mysql_common import versions

#: Series with long-term support: data upgrade from each to the next, and from those between.
LONG_SUPPORT = ((5, 7), (8, 0), (8, 4), (9, 7))


def check(running: str, target: str, prepared: list[str]) -> None:
    """Refuse what :func:`.versions.check` refuses, and an upgrade that skips a series.

    :raises EngineError: the upgrade is refused.
    """
    versions.check('MySQL', running, target, prepared)
    now, then = versions.numbers(running), versions.numbers(target)
    skipped = [series for series in LONG_SUPPORT if now[:2] < series < then[:2]]
    if skipped:
        number = '.'.join(map(str, skipped[0]))
        raise EngineError(
            f'The data are those of MySQL {running}; {target} reads them only after {number}.',
            code=versions.REFUSED)
