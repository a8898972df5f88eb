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

"""Options of the control database that oslo.db does not have."""

from oslo_config import cfg
from oslo_db import options as db_options

#: Number of threads that use a connection at the same time; with fewer, they wait for each other.
MAX_POOL_SIZE = 16


DEFAULT: list[cfg.Opt] = [
    cfg.IntOpt('database_answer_timeout', default=60, min=0,
               help='Timeout in seconds for one answer of the control database; then the '
                    'connection is closed. Without it, a database that disappears blocks each '
                    'waiting thread until TCP times out after many minutes. trove-manage has no '
                    'timeout. 0 disables the timeout.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    cfg.set_defaults(db_options.database_opts, max_pool_size=MAX_POOL_SIZE)
    return [('database', list(db_options.database_opts)), (None, DEFAULT)]
