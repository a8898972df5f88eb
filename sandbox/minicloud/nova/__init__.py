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

"""Nova: servers and their flavors, key pairs, groups and quotas."""

from minicloud import errors, web
from minicloud.nova import (about, actions, attachments, create, events, flavors, groups,
                            history, jobs, keypairs, labels, quotas, servers)

__all__ = ('SERVICE', 'events', 'jobs')

SERVICE = web.Service(
    'compute', '/v2.1',
    [web.Route('POST', '/servers', create.create), *servers.ROUTES, *actions.ROUTES,
     *attachments.ROUTES, *labels.ROUTES, *history.ROUTES, *flavors.ROUTES, *keypairs.ROUTES,
     *groups.ROUTES, *quotas.ROUTES, *about.ROUTES],
    about.documents, errors.render_fault,
    microversions=('compute', about.LOWEST, about.HIGHEST),
    legacy_header='X-OpenStack-Nova-API-Version', project_in_path=True)
