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


"""Which data of one MySQL may go over to another. The server itself does the rest, at its first start."""

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mysql_common.versions import REFUSED, is_other_series, numbers

#: Series with long support: data go from each to the next one, and from what is between.
LONG_SUPPORT = ((5, 7), (8, 0), (8, 4), (9, 7))


def check(running: str, wanted: str, prepared: list[str]) -> None:
    """Refuse a way back, one that leaves out a series, and one that would lose what is between prepare and commit.

    :param running: version of the server that runs.
    :param wanted: number of the version it shall become.
    :param prepared: names of prepared XA transactions.
    :raises EngineError:
    """
    now, then = numbers(running), numbers(wanted)
    if then and then < now[:len(then)]:
        raise EngineError(f'The data are those of MySQL {running}, which {wanted} does not read.', code=REFUSED)
    left_out = [series for series in LONG_SUPPORT if now[:2] < series < then[:2]]
    if left_out:
        number = '.'.join(map(str, left_out[0]))
        raise EngineError(f'The data are those of MySQL {running}; {wanted} reads them only after {number}.',
                          code=REFUSED)
    if prepared and is_other_series(running, wanted):
        raise EngineError(f'There are {len(prepared)} prepared XA transactions; commit them or roll them back first.',
                          code=REFUSED)
