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

"""Neutron: networks, subnets, ports, security groups, routers, floating addresses."""

from minicloud import errors, web
from minicloud.neutron import (about, collection, floatingips, jobs, networks, ports, quotas,
                               routers, security_groups, subnets)

__all__ = ('SERVICE', 'jobs')

_TAGGED = [networks.COLLECTION, subnets.COLLECTION, ports.COLLECTION, routers.COLLECTION,
           floatingips.COLLECTION, security_groups.TAGGED]

SERVICE = web.Service(
    'network', '/v2.0',
    [*networks.ROUTES, *subnets.ROUTES, *ports.ROUTES, *security_groups.ROUTES,
     *routers.ROUTES, *floatingips.ROUTES, *quotas.ROUTES, *about.ROUTES,
     *collection.tag_routes(_TAGGED)],
    about.documents, errors.render_neutron)
