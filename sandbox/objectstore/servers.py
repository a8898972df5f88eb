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

"""Rings of Swift and its four servers side by side."""

import configparser
import os
import pathlib
import time

from swift.common import concurrency, utils, wsgi
from swift.common.ring import RingBuilder

BACKENDS = ('account', 'container', 'object')
#: 16 partitions: with one device, more would only create more directories.
_PART_POWER = 4
#: Connections that each server accepts at the same time.
_CLIENTS = 256


def run(directory: str) -> None:
    """Serve until the process is terminated; the proxy starts last, when its backends listen."""
    os.environ['TZ'] = 'UTC+0'
    time.tzset()
    concurrency.hubs.use_hub(utils.get_hub())
    etc = pathlib.Path(directory)
    for backend in BACKENDS:
        ensure_ring(etc, backend)
    threads = [_serve(etc, f'{name}-server') for name in (*BACKENDS, 'proxy')]
    for thread in threads:
        thread.wait()


def ensure_ring(etc: pathlib.Path, backend: str) -> None:
    """Create the ring with the only device, unless the ring has it already."""
    settings = configparser.RawConfigParser()
    settings.read(etc / f'{backend}-server.conf')
    device = {
        'region': 1,
        'zone': 1,
        'ip': settings['DEFAULT']['bind_ip'],
        'device': 'disk',
        'weight': 1.0,
        'port': int(settings['DEFAULT']['bind_port'])
    }
    pathlib.Path(settings['DEFAULT']['devices'],
                 device['device']).mkdir(parents=True, exist_ok=True)
    ring, noted = etc / f'{backend}.ring.gz', etc / f'{backend}.device'
    if ring.exists() and noted.exists() and noted.read_text(encoding='ascii') == str(device):
        return
    builder = RingBuilder(_PART_POWER, 1, 0)
    builder.add_dev(device)
    builder.rebalance(seed=1)
    builder.get_ring().save(str(ring))
    noted.write_text(str(device), encoding='ascii')


def _serve(etc: pathlib.Path, name: str) -> concurrency.greenthread.GreenThread:
    """Serve one of the servers, as Swift's own ``run_server`` does in a process of its own.

    :raises SystemExit: the configuration is invalid.
    """
    path = str(etc / f'{name}.conf')
    conf, _logger, global_conf, _strategy = wsgi.check_config(path, name, verbose=True)
    application = wsgi.loadapp(path, global_conf=global_conf)
    return concurrency.spawn(concurrency.wsgi.server, wsgi.get_socket(conf), application,
                             wsgi.NullLogger(), custom_pool=wsgi.RestrictedGreenPool(size=_CLIENTS),
                             protocol=wsgi.SwiftHttpProtocol, socket_timeout=60.0,
                             capitalize_response_headers=False,
                             url_length_limit=wsgi.constraints.MAX_REQUEST_LINE)
