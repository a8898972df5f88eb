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

"""Views of logs."""

from typing import Any

from oslo_config import cfg

from trove.common import object_names
from trove.db.rows import InstanceRow

CONF = cfg.CONF

#: Value for "nothing is stored yet", which clients know.
NOTHING = 'None'


def log(row: InstanceRow, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a log.

    :param entry: report of the guest, :data:`trove.common.rpc.messages.log.LOG`.
    """
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
