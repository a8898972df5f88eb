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

"""How logs are shown."""

from typing import Any

from oslo_config import cfg
from trove.db.session import Row

from trove.common import object_names

CONF = cfg.CONF

#: What clients know as "nothing was stored yet".
NOTHING = 'None'


def log(row: Row, entry: dict[str, Any]) -> dict[str, Any]:
    """:param entry: what the guest says of it, :data:`trove.common.rpc.messages.log.LOG`."""
    stored = entry['stored']
    return {
        'name': entry['name'],
        'type': entry['type'],
        'status': entry['status'],
        'published': entry['published'],
        'pending': entry['pending'],
        'container': CONF.guest_log_container_name if stored else NOTHING,
        'prefix': object_names.log_prefix(row.id, row.manager, entry['name'])
        if stored else NOTHING,
        'metafile': object_names.log_record(row.id, row.manager, entry['name'])
    }
