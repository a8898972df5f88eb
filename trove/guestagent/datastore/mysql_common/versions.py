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


"""Versions of the MySQL family: what their numbers tell, and which way leads from one to the other. Pure."""

import re

from trove.guestagent.datastore.engine import EngineError

#: The code of a refusal to go over to another version.
REFUSED = 'guest_upgrade_refused'
_NUMBERS = re.compile(r'\d+(?:\.\d+)*')


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, ``(10, 11, 6)`` of ``10.11.6-MariaDB-log``; empty when it has none."""
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found.group().split('.')) if found else ()


def is_other_series(running: str, wanted: str) -> bool:
    """Whether these are of two series, of which the first two numbers are the name."""
    return bool(numbers(wanted)) and numbers(running)[:2] != numbers(wanted)[:2]


def check(product: str, running: str, wanted: str, prepared: list[str]) -> None:
    """Refuse a way back, and a way that would lose what is between prepare and commit.

    :param product: the name of what runs.
    :param running: version of the server that runs.
    :param wanted: number of the version it shall become.
    :param prepared: names of prepared XA transactions.
    :raises EngineError:
    """
    now, then = numbers(running), numbers(wanted)
    if then and then < now[:len(then)]:
        raise EngineError(
            f'The data are those of {product} {running}, which {wanted} does not read.',
            code=REFUSED)
    if prepared and is_other_series(running, wanted):
        raise EngineError(
            f'There are {len(prepared)} prepared XA transactions; commit them or roll them back first.',
            code=REFUSED)
