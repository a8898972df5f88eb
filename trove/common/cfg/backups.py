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

"""Backups: where they go when a request and a strategy do not say it."""

from oslo_config import cfg

#: Kinds of storage that a request may name.
STORAGE_DRIVERS = ('swift', 'cinder')

BACKUPS = [
    cfg.StrOpt('backup_swift_container', default='database_backups',
               help='Container of the object store for backups that name none and have no strategy.'),
    cfg.StrOpt('storage_strategy', default='swift', choices=STORAGE_DRIVERS,
               help='Where backups are kept that do not say it.'),
    cfg.IntOpt('running_backups_expires', default=3, min=0,
               help='Days after which a backup that is still running may be deleted.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, BACKUPS)]
