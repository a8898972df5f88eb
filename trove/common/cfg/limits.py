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

"""Quotas, maxima, page sizes and request rates."""

from oslo_config import cfg

QUOTAS: list[cfg.Opt] = [
    cfg.IntOpt('max_instances_per_tenant', default=10, min=-1,
               deprecated_name='max_instances_per_user',
               help='Default quota of instances per project; -1 is unlimited.'),
    cfg.IntOpt('max_ram_per_tenant', default=-1, min=-1,
               help='Default quota of flavor RAM in MB per project; -1 is unlimited.'),
    cfg.IntOpt('max_accepted_volume_size', default=10, min=-1,
               help='Maximum size of a data volume in GB; -1 is unlimited.'),
    cfg.IntOpt('max_volumes_per_tenant', default=40, min=-1, deprecated_name='max_volumes_per_user',
               help='Default quota of data volumes in GB per project; -1 is unlimited.'),
    cfg.IntOpt('max_backups_per_tenant', default=50, min=-1, deprecated_name='max_backups_per_user',
               help='Default quota of backups per project; -1 is unlimited.'),
    cfg.StrOpt('quota_driver', default='trove.quota.quota.DbQuotaDriver',
               deprecated_for_removal=True,
               deprecated_reason='Usage is settled in the transaction that changes the resource.',
               help='Has no effect.'),
]

PAGES: list[cfg.Opt] = [
    cfg.IntOpt(f'{name}_page_size', default=20, min=1,
               help=f'Default size of a page of {name}'
                    f'{"." if name == "backups" else ", and its maximum."}')
    for name in ('users', 'databases', 'instances', 'clusters', 'backups', 'configurations',
                 'modules')
]

RATES: list[cfg.Opt] = [
    cfg.IntOpt(f'http_{verb}_rate', default=200, min=0,
               help=f'{verb.upper()} requests per minute of one project and API process; 0 '
                    f'switches the limit for '
                    f'this verb off.')
    for verb in ('get', 'post', 'put', 'delete')
]
RATES.append(cfg.IntOpt('http_mgmt_post_rate', default=200, min=0,
                        help='Maximum POST requests to /mgmt per minute, project and API '
                             'process; 0 disables the limit.'))


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, QUOTAS + PAGES + RATES)]
