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

"""Too many requests of one project."""

import pytest

from tests.functional.api.edge import Edge


@pytest.fixture
def slow(conf, database, tmp_path):
    conf.set_override('http_get_rate', 2)
    made = Edge(conf, tmp_path)
    yield made
    made.close()


def test_the_third_of_two_is_refused(slow):
    assert [slow.ask('GET', '/flavors').status_int for _ in range(2)] == [200, 200]
    response = slow.ask('GET', '/flavors')
    assert response.status_int == 413
    assert response.headers['Content-Type'] == 'application/json'
    assert response.headers['x-openstack-request-id']
    assert 0 < int(response.headers['Retry-After']) <= 30
    assert response.json == {
        'overLimit': {
            'code': 413,
            'message': 'Too many calls for this project.',
            'details': '2 GET per MINUTE allowed on *',
            'retryAfter': response.headers['Retry-After']
        }
    }


def test_other_projects_and_verbs_are_not_concerned(slow):
    for _ in range(3):
        slow.ask('GET', '/flavors')
    assert slow.ask('GET', '/flavors', token='other').status_int == 200
    assert slow.ask('DELETE', '/instances/x').status_int == 404
