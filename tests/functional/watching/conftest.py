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

"""Fixtures: a world with the periodic tasks of task managers."""

import pytest

from tests.functional.world import World
from trove.cloud import clouds
from trove.taskmanager.periodic import PeriodicTasks
from trove.taskmanager.watch import Watch


@pytest.fixture
def world(conf, database, clock, tmp_path):
    made = World(conf, clock, tmp_path)
    yield made
    made.close()


class Watchman:
    """Periodic tasks of one task manager of several."""

    def __init__(self, world, name='one'):
        self._conf = world.conf
        self._watch = Watch(world.conf, world.clock,
                            lambda region: clouds.service_cloud(world.conf, region))
        self._periodic_tasks = PeriodicTasks(name, world.clock)

    def look(self):
        return self._periodic_tasks.run('watch', self._conf.taskmanager.watch_interval,
                                        self._watch.resources)

    def listen(self):
        return self._periodic_tasks.run('silence', self._conf.taskmanager.silence_interval,
                                        self._watch.guests)


@pytest.fixture
def watchman(world):
    return Watchman(world)


@pytest.fixture
def second_watchman(world):
    return Watchman(world, 'two')


@pytest.fixture
def instance_id(world):
    """Active instance."""
    made = world.create()
    world.settle()
    return made
