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
from trove.guestagent.datastore.mysql_common import versions

#: Series with long support: data go from each to the next one, and from what is between.
LONG_SUPPORT = ((5, 7), (8, 0), (8, 4), (9, 7))


def check(running: str, wanted: str, prepared: list[str]) -> None:
    """Refuse what :func:`.versions.check` refuses, and a way that leaves out a series.

    :raises EngineError:
    """
    versions.check('MySQL', running, wanted, prepared)
    now, then = versions.numbers(running), versions.numbers(wanted)
    left_out = [series for series in LONG_SUPPORT if now[:2] < series < then[:2]]
    if left_out:
        number = '.'.join(map(str, left_out[0]))
        raise EngineError(
            f'The data are those of MySQL {running}; {wanted} reads them only after {number}.',
            code=versions.REFUSED)
