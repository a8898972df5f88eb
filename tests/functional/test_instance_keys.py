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

"""Tests of the rows that keep the keys of the guest bus."""

import pytest

from tests.functional.world import World
from trove.db import instance_keys, instances, session


@pytest.fixture
def world(database, conf, clock, tmp_path):
    made = World(conf, clock, tmp_path)
    yield made
    made.close()


def test_a_key_that_was_replaced_meanwhile_is_not_overwritten(world):
    instance_id = world.create()
    world.settle()
    read = session.read(instances.get, instance_id).encrypted_key
    session.write(instance_keys.replace, instance_id, read, 'sealed by another process')
    session.write(instance_keys.replace, instance_id, read, 'sealed too late')
    stored = session.read(instances.get, instance_id).encrypted_key
    assert stored == 'sealed by another process'
