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

import pytest

from trove.guestagent.datastore.redis import dry_start

FRAME = (
    "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 7\n"
    ">>> 'maxmemory plenty'\nargument must be a memory value\n")


@pytest.mark.parametrize(('output', 'reason'), [
    (FRAME, 'maxmemory plenty: argument must be a memory value'),
    ('1:M 22 Nov 2026 # Configured to not listen anywhere, exiting.\n', ''),
    ('', 'the program ended without a message'),
    ("Fatal error, can't open config file\n", "Fatal error, can't open config file")])
def test_reason_of_a_refused_file(output, reason):
    assert dry_start.reason(output) == reason
