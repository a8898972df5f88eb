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

"""The database of the control plane; oslo.db owns the group, we add what it has no word for."""

from oslo_config import cfg
from oslo_db import options as db_options

#: As many as the threads that may want one at the same time: a pool that is too small makes them wait for each other.
MAX_POOL_SIZE = 16


DEFAULT: list[cfg.Opt] = [
    cfg.IntOpt('database_answer_timeout', default=60, min=0,
               help='Seconds the control database may take for one answer before the connection counts as lost. A '
                    'database that vanishes without a word otherwise holds each thread that waits for it until TCP '
                    'gives up, which takes many minutes. trove-manage waits as long as it takes. 0 never gives up.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    cfg.set_defaults(db_options.database_opts, max_pool_size=MAX_POOL_SIZE)
    return [('database', list(db_options.database_opts)), (None, DEFAULT)]
