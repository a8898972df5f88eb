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

"""Cinder: volumes, their types, snapshots and quotas."""

from minicloud import errors, web
from minicloud.cinder import about, actions, jobs, quotas, snapshots, types, volumes

__all__ = ('SERVICE', 'jobs')

SERVICE = web.Service(
    'volume', '/v3',
    [*volumes.ROUTES, *actions.ROUTES, *types.ROUTES, *snapshots.ROUTES, *quotas.ROUTES,
     *about.ROUTES],
    about.documents, errors.render_fault, microversions=('volume', about.LOWEST, about.HIGHEST),
    project_in_path=True)
