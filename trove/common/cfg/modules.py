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

"""Types of modules, and pace of reapplying them."""

from oslo_config import cfg

MODULES = [
    cfg.ListOpt('module_types', default=['ping', 'new_relic_license'],
                help='Types of modules that can be created, in lower case. An agent needs a '
                     'driver for each.'),
    cfg.IntOpt('module_reapply_max_batch_size', default=50, min=1,
               help='Number of instances to which a module is reapplied without a pause.'),
    cfg.IntOpt('module_reapply_min_batch_delay', default=2, min=0,
               help='Pause in seconds between two batches of a reapply.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, MODULES)]
