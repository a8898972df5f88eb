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

"""Contents of notifications; [oslo_messaging_notifications] configures their bus."""

from oslo_config import cfg
from oslo_config import types
from oslo_messaging.notify import notifier

#: service_id of each manager, as consumers of usage events know it.
SERVICE_IDS = {
    'mysql': '2f3ff068-2bfb-4f70-9a9d-a6bb65bc084b',
    'mariadb': '7a4f82cc-10d2-4bc6-aadc-d9aacc2a3cb5',
    'postgresql': 'ac277e0d-4f21-40aa-b347-1ea31e571720',
    'redis': 'b216ffc5-1947-456c-a4cf-70f94c05f7d0',
}

DEFAULT: list[cfg.Opt] = [
    cfg.Opt('notification_service_id', type=types.Dict(), default=SERVICE_IDS,
            help='service_id in usage events, by datastore manager.'),
    cfg.StrOpt('exists_notification_transformer',
               help='Any value enables trove.instance.exists, one event per instance and audit '
                    'period. The value named a class in former releases and is not loaded.'),
    cfg.IntOpt('exists_notification_interval', default=3600, min=60,
               help='Length of an audit period of trove.instance.exists in seconds. Periods '
                    'start at multiples of it, counted from 1970-01-01 00:00 UTC.'),
    cfg.IntOpt('quota_notification_interval', min=60,
               help='Seconds between two dbaas.quota notifications per project and resource; '
                    'unset: none.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, DEFAULT)]


def register_library(conf: cfg.ConfigOpts) -> None:
    """Register the options of oslo.messaging before its first use, to read the drivers."""
    conf.register_opts(notifier._notifier_opts, group='oslo_messaging_notifications')
