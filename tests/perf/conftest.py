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

"""Fixtures of every measurement, and the table that is printed at the end."""

import pytest

from tests.perf import deployment, measuring


@pytest.fixture(scope='session')
def figures() -> measuring.Figures:
    """Figures of the run, which are printed at its end."""
    return measuring.FIGURES


@pytest.fixture(scope='module', params=['sqlite', 'mariadb'])
def service(request, tmp_path_factory):
    """A service with a project of twenty instances, one of a hundred, and one of ten thousand."""
    with deployment.deployed(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.name = request.param
        made.twenty = deployment.fill(deployment.tokens.DEMO, 20)
        for token, number in deployment.MANY.items():
            deployment.fill(deployment.tokens.KNOWN[token].project, number)
        yield made


def pytest_terminal_summary(terminalreporter):
    lines = measuring.FIGURES.lines()
    if lines:
        terminalreporter.section('figures')
        for line in lines:
            terminalreporter.write_line(line)
