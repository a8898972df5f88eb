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
"""Signals to real processes of the service base; the ``long`` tests send 100,000."""

import pytest

from tests.functional.signal_storm import Storm


@pytest.fixture(params=[1, 2], ids=['service', 'workers'])
def storm(request, tmp_path):
    made = Storm(tmp_path, request.param)
    yield made
    made.kill()


def test_reload_and_stop_after_a_storm_of_signals(storm):
    """A process reloads and stops in order after 2,000 SIGHUPs in bursts."""
    storm.reload(2000)
    storm.expect_reload()
    assert storm.stop() == 0


def test_stop_in_the_middle_of_a_storm(tmp_path):
    """A SIGTERM right behind a burst of SIGHUPs stops the process."""
    for number in range(10):
        directory = tmp_path / str(number)
        directory.mkdir()
        storm = Storm(directory)
        try:
            storm.reload(10 * number)
            assert storm.stop() == 0
        finally:
            storm.kill()
