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

"""Tests of the claim: a runner that has lost it changes nothing while its successor works."""

import pytest

from tests.functional.journal.test_runner import Await, Journal, Make
from trove.db import operations


@pytest.fixture
def journal(database, clock, conf):
    return Journal(clock, conf, database)


def test_a_runner_that_wakes_while_its_successor_works_changes_nothing(journal):
    """The successor holds the operation open, so that the outdated claim alone stops the runner."""
    operation_id = journal.open()
    seen = []

    class Freezes(Make):
        def run(self, work):
            answer = super().run(work)
            journal.clock.advance(61)
            assert journal.session.write(operations.take, operation_id, 'successor',
                                         journal.clock(), 60).claim == 2
            seen.append(journal.get(operation_id))
            journal.clock.advance(10)
            return answer

    journal.flow([Freezes('port'), Make('server'), Await()])
    journal.runner('frozen').advance(operation_id)
    assert journal.get(operation_id) == seen[0]
    assert journal.cloud.calls == ['make port']
    assert journal.events().count('made') == 0
    assert journal.ends.results == []


def test_a_runner_does_not_renew_the_lease_of_its_successor(journal):
    operation_id = journal.open()
    leases = []

    class Freezes(Make):
        def run(self, work):
            journal.clock.advance(61)
            journal.session.write(operations.take, operation_id, 'successor', journal.clock(), 60)
            leases.append(journal.get(operation_id).lease_until)
            journal.clock.advance(10)
            frozen.renew_leases()
            leases.append(journal.get(operation_id).lease_until)
            return super().run(work)

    journal.flow([Freezes('port'), Make('server'), Await()])
    frozen = journal.runner('frozen')
    frozen.advance(operation_id)
    assert leases[1] == leases[0]
