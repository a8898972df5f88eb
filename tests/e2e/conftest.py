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

"""Fixtures of the tests that need real servers."""

from collections.abc import Iterator

import pytest

from tests.e2e import guest_bus, rabbitmq
from tests.e2e import sandbox as running_sandbox


@pytest.fixture(scope='module')
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[guest_bus.ControlPlane]:
    """A broker, a database and a conductor process of this test module's own."""
    directory = tmp_path_factory.mktemp('guest-bus')
    with rabbitmq.running(directory / 'rabbitmq') as rabbit:
        control_plane = guest_bus.ControlPlane(directory, rabbit)
        try:
            control_plane.start_conductor()
            yield control_plane
        finally:
            control_plane.close()


@pytest.fixture(scope='session')
def sandbox() -> running_sandbox.Sandbox:
    """The sandbox of the test run (``TROVE_SANDBOX_*``), which ``tools/test e2e`` has started."""
    made = running_sandbox.Sandbox()
    status = made.command('status')
    if status.returncode:
        pytest.fail(
            f'the sandbox in {made.settings.directory} does not run; tools/test e2e starts it:\n'
            f'{status.stdout}{status.stderr}', pytrace=False)
    return made
