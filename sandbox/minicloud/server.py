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

"""minicloud as a process: settings, keystonemiddleware, a threaded server, a graceful stop.

The configuration is a JSON document named by ``--config`` or ``MINICLOUD_CONFIG``::

    {"host": "127.0.0.1", "port": 18774,
     "state": "/path/minicloud.sqlite",
     "hypervisor": {"factory": "minicloud.machines.hypervisor:create", ...its settings},
     "keystone": "/path/minicloud.conf",
     "service_project": "service",
     "settings": {"region", "availability_zone", "host", "other_hosts", "resume",
                  "image_directory"},
     "workers": 8,
     "bootstrap": "/path/bootstrap.json"}

``keystone`` is an ini file with a section ``[keystone_authtoken]``. SIGHUP reads the bootstrap
document again. SIGTERM and SIGINT end the process after the running jobs.
"""

import argparse
import importlib
import json
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
import wsgiref.simple_server
from collections.abc import Callable
from typing import Any

from keystonemiddleware import auth_token
from oslo_config import cfg

from minicloud import app as application
from minicloud import bootstrap, faults
from minicloud.cloud import Settings
from minicloud.identity import MiddlewareIdentifier
from minicloud.state import State

LOG = logging.getLogger(__name__)


class _Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """Server with one thread per connection; open connections do not delay the end of the process.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error of a connection; disconnected clients are ignored."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            LOG.exception('connection from %s failed', client_address)

    def server_bind(self) -> None:
        """Bind without a DNS query for the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


class _Exchange(wsgiref.simple_server.ServerHandler):
    """One request; a planned loss of the connection ends it without a response."""

    def handle_error(self) -> None:
        """Send nothing after a planned loss; handle other errors as usual."""
        if not isinstance(sys.exc_info()[1], faults.ConnectionLost):
            super().handle_error()

    def log_exception(self, exc_info: Any) -> None:
        """Write to the log instead of to standard error."""
        LOG.error('the application failed', exc_info=exc_info)


class _RequestHandler(wsgiref.simple_server.WSGIRequestHandler):
    """Handler of one request; the application logs the request."""

    #: Timeout in seconds between two parts of a client's request.
    timeout = 120

    def handle(self) -> None:
        """Handle one request of the connection."""
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ''
            self.send_error(414)
            return
        if not self.raw_requestline or not self.parse_request():
            return
        if self.headers.get('Transfer-Encoding', '').lower() == 'chunked':
            # Treating such a body as empty would be worse than refusing it.
            self.send_error(411)
            return
        handler = _Exchange(self.rfile, self.wfile, self.get_stderr(), self.get_environ(),
                            multithread=True)
        handler.request_handler = self
        handler.run(self.server.get_app())

    def address_string(self) -> str:
        """Return the client's address without a DNS query."""
        return self.client_address[0]

    def log_message(self, format: str, *args: Any) -> None:
        """Log messages of the server itself, such as malformed requests."""
        LOG.debug(format, *args)


def make_server(application: Callable[..., Any], host: str, port: int
                ) -> wsgiref.simple_server.WSGIServer:
    """Return a listening server; ``serve_forever`` starts to handle requests."""
    server = _Server((host, port), _RequestHandler)
    server.set_app(application)
    return server


def load_factory(path: str) -> Callable[..., Any]:
    """Return the object that ``package.module:name`` names."""
    module, _, name = path.partition(':')
    return getattr(importlib.import_module(module), name)


def _middleware(app: application.Application, path: str) -> Callable[..., Any]:
    """Add token validation in front of the application."""
    conf = cfg.ConfigOpts()
    conf(['--config-file', path], project='minicloud')
    return auth_token.AuthProtocol(app, {'oslo_config_config': conf,
                                         'delay_auth_decision': True})


def make_application(configuration: dict[str, Any]) -> application.Application:
    """Create the cloud of the configuration."""
    machine_settings = dict(configuration['hypervisor'])
    hypervisor = load_factory(machine_settings.pop('factory'))(machine_settings)
    app = application.create_app(
        State(configuration['state']), hypervisor,
        MiddlewareIdentifier(configuration.get('service_project', 'service')),
        settings=Settings(**configuration.get('settings', {})),
        workers=configuration.get('workers', 8))
    fill(app, configuration)
    return app


def fill(app: application.Application, configuration: dict[str, Any]) -> None:
    """Bootstrap the cloud with its document, if it has one."""
    if configuration.get('bootstrap'):
        with open(configuration['bootstrap'], encoding='utf-8') as file:
            bootstrap.bootstrap(app.cloud, json.load(file))


def _notify_ready() -> None:
    """Notify the service manager, if configured, that the process is ready."""
    address = os.environ.get('NOTIFY_SOCKET')
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect('\0' + address[1:] if address.startswith('@') else address)
        channel.sendall(b'READY=1')


def serve(configuration: dict[str, Any]) -> None:
    """Serve requests until a signal ends the process."""
    app = make_application(configuration)
    server = make_server(_middleware(app, configuration['keystone']),
                         configuration.get('host', '127.0.0.1'), configuration['port'])

    def end(number: int, frame: Any) -> None:
        LOG.info('ending on %s', signal.Signals(number).name)
        # shutdown() waits for the loop that this signal interrupted, so it needs a thread.
        threading.Thread(target=server.shutdown, daemon=True).start()

    def again(number: int, frame: Any) -> None:
        threading.Thread(target=fill, args=(app, configuration), daemon=True).start()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, again)
    LOG.info('listening on %s port %s', *server.server_address[:2])
    _notify_ready()
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
        app.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the process and return its exit status."""
    parser = argparse.ArgumentParser(prog='minicloud', description=__doc__.partition('\n')[0])
    parser.add_argument('--config', default=os.environ.get('MINICLOUD_CONFIG'),
                        help='JSON document with the settings')
    parser.add_argument('--debug', action='store_true', help='log debug messages')
    options = parser.parse_args(arguments)
    if not options.config:
        parser.error('set --config or MINICLOUD_CONFIG')
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.INFO, stream=sys.stderr,
        format='%(asctime)s %(levelname)s %(threadName)s %(name)s %(message)s')
    for name in ('urllib3', 'keystonemiddleware', 'keystoneauth', 'stevedore'):
        logging.getLogger(name).setLevel(logging.WARNING)
    with open(options.config, encoding='utf-8') as file:
        serve(json.load(file))
    return 0
