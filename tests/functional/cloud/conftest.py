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

"""A cloud in this process, with the credentials of the service user and of a tenant."""

import pytest

from tests.functional.cloud_in_process import InProcessCloud
from trove.cloud import clouds
from trove.cloud import session


@pytest.fixture
def minicloud(conf):
    made = InProcessCloud()
    session.install(conf, made.sessions(conf))
    yield made
    session.install(conf, None)
    made.close()


@pytest.fixture
def cloud(conf, minicloud):
    """Return the cloud of the service user."""
    return clouds.service_cloud(conf)


@pytest.fixture
def tenants_cloud(conf, minicloud):
    """Return the cloud of a user of project demo."""
    return clouds.user_cloud(conf, minicloud.context())
