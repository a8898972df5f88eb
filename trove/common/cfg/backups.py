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

"""Default storage of backups."""

from oslo_config import cfg

#: Kinds of storage for a request.
STORAGE_DRIVERS = ('swift', 'cinder')

BACKUPS = [
    cfg.StrOpt('backup_swift_container', default='database_backups',
               help='Object store container for backups without a container and a strategy.'),
    cfg.StrOpt('storage_strategy', default='swift', choices=STORAGE_DRIVERS,
               help='Storage of backups that name none.'),
    cfg.IntOpt('running_backups_expires', default=3, min=0,
               help='Days after which a running backup may be deleted.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, BACKUPS)]
