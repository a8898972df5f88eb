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

"""Views of flavors."""

from typing import Any

from oslo_config import cfg
from trove.db.session import Row

from trove.common.http import views
from trove.common.http.request import Request

CONF = cfg.CONF


def flavor(request: Request, row: Row) -> dict[str, Any]:
    """Return the fields of a flavor; ``id`` is an integer or null, with ``str_id`` beside it."""
    is_number = row.id.isascii() and row.id.isdigit() and not row.id.startswith('0')
    shown = {
        'id': int(row.id) if is_number else None,
        'str_id': row.id,
        'name': row.name,
        'ram': row.ram,
        'vcpus': row.vcpus,
        'disk': row.disk,
        'ephemeral': row.ephemeral,
        'links': views.links(request, 'flavors', row.id)
    }
    if not CONF.trove_volume_support and CONF.device_path:
        shown['local_storage'] = row.ephemeral
    return shown
