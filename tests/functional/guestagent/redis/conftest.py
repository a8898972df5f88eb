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
"""Fixtures: one server of each kind for all tests; each test restores its state."""

import functools
import os

import pytest

from tests.functional.guestagent.real_server import running
from tests.functional.guestagent.redis.running import ENGINES, Server
from trove.guestagent.datastore.redis.engine import Redis


@pytest.fixture(scope='session', params=ENGINES or [Redis], ids=lambda kind: kind.product)
def server(request):
    if not ENGINES or os.geteuid() != 0:
        pytest.skip('needs the package redis-server, and root, who may give files to its account')
    with running(functools.partial(Server, request.param)) as made:
        made.engine.secure()
        yield made


@pytest.fixture
def engine(server):
    yield server.engine
    for name, host in server.engine.user_names():
        server.engine.delete_user(name, host)
    server.engine.disable_root()
