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

"""Check of raw messages, before a library decompresses or decodes them.

A message of a few hundred kilobytes can be unpacked to gigabytes. Messages of this service are
JSON in UTF-8, not compressed, and bounded in size, so that everything else is dropped unseen.
"""

import collections
import threading
import time
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Bytes of a message: an envelope of :data:`trove.common.rpc.envelope.MAX_BYTES` in base64.
MAX_BYTES = 2 * 1024 * 1024
#: Seconds between two lines in the log, whatever the number of messages.
LOG_INTERVAL = 60.0

_lock = threading.Lock()
_refused: collections.Counter[str] = collections.Counter()
_logged_at = float('-inf')


def refusal(message: Any) -> str:
    """Return the reason to drop a message, '' for a message that may be decoded.

    :param message: message of the library ``amqp``, as received.
    """
    properties = message.properties
    headers = properties.get('application_headers') or {}
    if 'compression' in headers:
        return 'compressed'
    if properties.get('content_type') != 'application/json':
        return 'content_type'
    if str(properties.get('content_encoding', 'utf-8')).lower() != 'utf-8':
        return 'content_encoding'
    if len(message.body) > MAX_BYTES:
        return 'too_large'
    return ''


def count(reason: str) -> None:
    """Count a dropped message; log the numbers at most once in :data:`LOG_INTERVAL`."""
    global _logged_at
    with _lock:
        _refused[reason] += 1
        now = time.monotonic()
        is_due = now - _logged_at >= LOG_INTERVAL
        if is_due:
            _logged_at = now
    if is_due:
        LOG.warning('Messages dropped before they were decoded, since the start: %s', refused())


def refused() -> dict[str, int]:
    """Return the numbers of dropped messages by reason."""
    with _lock:
        return dict(_refused)
