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

"""Logs of guests: where they are stored, for how long, and how long storing may take."""

from oslo_config import cfg

LOGS = [
    cfg.StrOpt('guest_log_container_name', default='database_logs',
               help="Container in each project's own account of the object store that its logs are stored in. Logs "
                    "that were stored under a former name are no longer found."),
    cfg.IntOpt('guest_log_limit', default=1000000, min=1024, max=64 * 1024 * 1024,
               help='Bytes of one stored piece of a log at most.'),
    cfg.IntOpt('guest_log_expiry', default=2592000, min=0,
               help='Seconds after which the object store forgets a stored piece; 0 keeps it.'),
    cfg.IntOpt('guest_log_timeout', default=600, min=10,
               help='Seconds a guest may take to store a log; the URL it is given opens the object store as long.'),
    cfg.IntOpt('guest_log_wait', default=30, min=0,
               help='Seconds a request to publish or discard waits for the end of the work, because clients read the '
                    'stored log as soon as they are answered. The work goes on when they are over.'),
    cfg.StrOpt('guest_swift_ca_file',
               help='PEM file, on the hosts of the task manager, with certificates of authorities that guests trust '
                    'beside those of their image when they store something in the object store. For clouds with an '
                    'authority of their own; it counts from the next upload.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, LOGS)]
