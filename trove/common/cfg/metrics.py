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

"""Where each service shows what it measures."""

from oslo_config import cfg

METRICS: list[cfg.Opt] = [
    cfg.HostAddressOpt('bind_host', default='127.0.0.1',
                       help='Address on which services show their metrics as Prometheus text at /metrics. There is no '
                            'login: keep it on loopback or on a network of operators.'),
    cfg.PortOpt('api_port', help='Port of trove-api for its metrics; none are shown when unset. Further worker '
                                 'processes take the ports that follow.'),
    cfg.PortOpt('taskmanager_port', help='Port of trove-taskmanager for its metrics; none are shown when unset.'),
    cfg.PortOpt('conductor_port', help='Port of trove-conductor for its metrics; none are shown when unset. Further '
                                       'worker processes take the ports that follow.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('metrics', METRICS)]
