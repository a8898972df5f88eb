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

"""Addresses of the metrics servers."""

from oslo_config import cfg

METRICS: list[cfg.Opt] = [
    cfg.HostAddressOpt('bind_host', default='127.0.0.1',
                       help='Address on which services serve metrics as Prometheus text at '
                            '/metrics. There is no authentication: use loopback or a network of '
                            'operators.'),
    cfg.PortOpt('api_port',
                help='Port of the metrics of trove-api; unset: no metrics. Further workers use '
                     'the following ports.'),
    cfg.PortOpt('taskmanager_port',
                help='Port of the metrics of trove-taskmanager; unset: no metrics.'),
    cfg.PortOpt('conductor_port',
                help='Port of the metrics of trove-conductor; unset: no metrics. Further workers '
                     'use the following ports.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('metrics', METRICS)]
