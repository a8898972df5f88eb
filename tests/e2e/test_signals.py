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
"""A service process under 100,000 signals."""

import pytest

from tests.functional.signal_storm import Storm

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SIGNALS = 100_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize('workers', [1, 2])
def test_no_signal_locks_up_a_process(tmp_path, workers):
    """A process still reloads and stops after 100,000 SIGHUPs in bursts."""
    storm = Storm(tmp_path, workers)
    try:
        for _ in range(10):
            storm.reload(SIGNALS // 10)
            storm.expect_reload()
        assert storm.stop() == 0
    finally:
        storm.kill()
