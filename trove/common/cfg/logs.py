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

"""Storage of guest logs, and timeouts of storing them."""

from oslo_config import cfg

LOGS = [
    cfg.StrOpt('guest_log_container_name', default='database_logs',
               help="Object store container of published logs, in each project's account. Logs "
                    'in a former container are no longer found.'),
    cfg.IntOpt('guest_log_limit', default=1000000, min=1024, max=64 * 1024 * 1024,
               help='Maximum size of a stored part of a log in bytes.'),
    cfg.IntOpt('guest_log_expiry', default=2592000, min=0,
               help='Seconds after which the object store deletes a stored part; 0 keeps it.'),
    cfg.IntOpt('guest_log_timeout', default=600, min=10,
               help='Timeout in seconds for a guest to store a log; also the lifetime of its '
                    'upload URL.'),
    cfg.IntOpt('guest_log_wait', default=30, min=0,
               help='Seconds a publish or discard request waits for its operation, because '
                    'clients read the stored log right after the response. The operation '
                    'continues afterwards.'),
    cfg.StrOpt('guest_swift_ca_file',
               help='PEM file on task manager hosts with certificate authorities that guests '
                    'trust for the object store, in addition to those of their image. A change '
                    'applies to the next upload.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, LOGS)]
