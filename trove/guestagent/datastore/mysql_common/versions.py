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


"""Versions of the MySQL family: their numbers, and allowed upgrades. Pure functions."""

import re

from trove.guestagent.datastore.engine import EngineError

#: Code of a refused upgrade.
REFUSED = 'guest_upgrade_refused'
_NUMBERS = re.compile(r'\d+(?:\.\d+)*')


def numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers, ``(10, 11, 6)`` of ``10.11.6-MariaDB-log``; () without any."""
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found.group().split('.')) if found else ()


def is_other_series(running: str, target: str) -> bool:
    """Return whether the versions belong to different series, named by the first two numbers."""
    return bool(numbers(target)) and numbers(running)[:2] != numbers(target)[:2]


def check(product: str, running: str, target: str, prepared: list[str]) -> None:
    """Refuse a downgrade, and another series while XA transactions are prepared.

    :param product: name of the running server.
    :param running: version of the running server.
    :param target: number of the requested version.
    :param prepared: names of prepared XA transactions.
    :raises EngineError: the upgrade is refused.
    """
    now, then = numbers(running), numbers(target)
    if then and then < now[:len(then)]:
        raise EngineError(
            f'The data are those of {product} {running}; {target} cannot read them.',
            code=REFUSED)
    if prepared and is_other_series(running, target):
        raise EngineError(
            f'{len(prepared)} XA transactions are prepared; commit them or roll them back first.',
            code=REFUSED)
