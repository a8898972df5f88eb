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

"""trove-api: the stand-alone HTTP server of the API.

It uses eventlet's WSGI server, so that a slow guest blocks a green thread instead of a worker. No
other module uses eventlet: each worker patches the standard library before it imports the
application. The parent only waits for its children and is not patched.
"""

import os
import signal
import socket
import ssl
import sys
import warnings
from typing import Any

# The C library resolves names by the host's configuration; eventlet's resolver takes 8 MB.
os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')
# eventlet loads the OpenSSL bindings, openstacksdk the Prometheus client and requests the detection
# of character sets. None is used: responses of OpenStack are JSON in UTF-8. An import that finds
# None fails, which all three libraries handle; requests warns about it.
for _unused in ('OpenSSL', 'prometheus_client', 'chardet', 'charset_normalizer'):
    sys.modules.setdefault(_unused, None)  # type: ignore[arg-type]
warnings.filterwarnings('ignore', message='Unable to find acceptable character detection')

import eventlet  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_log import log as logging  # noqa: E402
from oslo_utils import netutils  # noqa: E402

from trove.common import cfg as options  # noqa: E402
from trove.common.process import service, workers  # noqa: E402
from trove.common.process.signals import Signals  # noqa: E402
from trove.common.rpc import keys  # noqa: E402

CONF = cfg.CONF
LOG = logging.getLogger(__name__)

#: Maximum connections of one worker; further ones wait in the kernel.
MAX_CONNECTIONS = 1000
_LOG_FORMAT = ('%(client_ip)s "%(request_line)s" status: %(status_code)s len: %(body_length)s '
               'time: %(wall_seconds).4f')


def main() -> None:
    options.parse(sys.argv[1:], program='trove-api')
    try:
        keys.check_keys(CONF)
        tls_settings()
        listener = listen()
    except (keys.KeyConfigurationError, OSError) as problem:
        sys.exit(f'trove-api does not start: {problem}')
    count = CONF.trove_api_workers or os.cpu_count() or 1
    service.exit_now(workers.run(lambda: serve(listener), count))


def listen() -> socket.socket:
    """Return the listening socket, which the forked workers share.

    :raises OSError: with the address that is in use.
    """
    family = socket.AF_INET6 if netutils.is_valid_ipv6(CONF.bind_host) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, CONF.tcp_keepidle)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((CONF.bind_host, CONF.bind_port))
    except OSError as failure:
        place = f'{CONF.bind_host}:{CONF.bind_port}'
        raise OSError(failure.errno, f'cannot listen on {place}: {failure.strerror}') from None
    listener.listen(CONF.backlog)
    LOG.info('Listening on %s:%s', CONF.bind_host, CONF.bind_port)
    return listener


def tls_settings() -> ssl.SSLContext | None:
    """Return the TLS context, None without TLS.

    It is made before the fork to find errors, and again by each patched worker.

    :raises OSError: with the file that cannot be used.
    """
    if not (CONF.ssl.cert_file or CONF.ssl.key_file):
        return None
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        settings.load_cert_chain(CONF.ssl.cert_file or '', CONF.ssl.key_file)
    except OSError as failure:
        raise OSError(
            failure.errno,
            f'[ssl] cert_file {CONF.ssl.cert_file} with key_file {CONF.ssl.key_file} cannot '
            f'be used: {failure.strerror}') from None
    if CONF.ssl.ca_file:
        try:
            settings.load_verify_locations(CONF.ssl.ca_file)
        except OSError as failure:
            raise OSError(
                failure.errno,
                f'[ssl] ca_file {CONF.ssl.ca_file} cannot be used: {failure.strerror}') from None
        settings.verify_mode = ssl.CERT_REQUIRED
    return settings


def serve(listener: socket.socket) -> int:
    """Serve as one worker until SIGTERM, finish the open requests and return the exit status."""
    # Without PostgreSQL its client is not loaded, which saves 5 MB per worker.
    eventlet.monkey_patch(all=True, psycopg=(CONF.database.connection
                                             or '').startswith('postgresql'))
    from trove.cmd import rpc_clients
    from trove.common.http import deploy

    rpc_clients.setup(CONF)
    worker = Worker(listener, with_chunks(measured(deploy.application())))
    return worker.run()


def measured(application: Any) -> Any:
    """Return the application, with request metrics if a port for metrics is configured."""
    if CONF.metrics.api_port is None:
        return application
    # Imported here, because a worker without metrics saves their memory.
    from trove.common.http import request_metrics
    from trove.common.process import metrics

    metrics.serve(CONF.metrics.bind_host, CONF.metrics.api_port, workers.worker_number())
    return request_metrics.Measured(application)


def with_chunks(application: Any) -> Any:
    """Return the application with ``wsgi.input_terminated`` set for chunked bodies.

    eventlet ends the input of a chunked body but does not set the flag.
    """
    def called(environ: dict[str, Any], start_response: Any) -> Any:
        if getattr(environ.get('eventlet.input'), 'chunked_input', False):
            environ['wsgi.input_terminated'] = True
        return application(environ, start_response)
    return called


class Worker:
    """Worker process that serves requests.

    :param listener: socket shared with the other workers.
    """

    def __init__(self, listener: socket.socket, application: Any) -> None:
        self._listener = listener
        self._application = application
        self._pool = eventlet.GreenPool(MAX_CONNECTIONS)

    def run(self) -> int:
        signals = GreenSignals((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        server = eventlet.spawn(self._serve)
        server.link(lambda _thread: signals.wake())
        service.notify_systemd('READY=1')
        while not server.dead:
            received = signals.wait()
            if received & service.STOP_SIGNALS:
                break
            if signal.SIGHUP in received:
                self._reload()
        # A server that ended by itself has lost its socket: the parent restarts the worker.
        failed = server.dead
        service.notify_systemd('STOPPING=1')
        self._stop(server)
        return 1 if failed else 0

    def _serve(self) -> None:
        from eventlet import wsgi

        wsgi.MAX_HEADER_LINE = CONF.max_header_line
        wsgi.server(self._socket(), self._application, log=LOG, custom_pool=self._pool,
                    log_format=_LOG_FORMAT, debug=False, socket_timeout=CONF.api_client_timeout,
                    keepalive=CONF.api_client_timeout, url_length_limit=CONF.max_header_line,
                    capitalize_response_headers=False)

    def _socket(self) -> Any:
        from eventlet import greenio
        from eventlet.green import ssl as green_ssl

        listener = greenio.GreenSocket(self._listener)
        settings = tls_settings()
        if settings is None:
            return listener
        return green_ssl.GreenSSLSocket(listener, server_side=True, do_handshake_on_connect=False,
                                        _context=settings)

    def _stop(self, server: Any) -> None:
        """Close the listener and wait for the open requests, within the limit."""
        from trove.common.rpc import transport

        LOG.info('Stopping, %s connections are open', self._pool.running())
        server.kill()
        with eventlet.Timeout(CONF.api_graceful_shutdown_timeout, False):
            self._pool.waitall()
            transport.close_all()
            return
        LOG.warning('Requests are aborted after %s seconds',
                    CONF.api_graceful_shutdown_timeout)

    @staticmethod
    def _reload() -> None:
        from trove.common import policy

        CONF.mutate_config_files()
        policy.reset()
        LOG.info('Reloaded configuration and policy')


class GreenSignals(Signals):
    """Signals that a green thread waits for."""

    def _wait_readable(self, timeout: float | None) -> bool:
        from eventlet import hubs

        hubs.trampoline(self._read, read=True)
        return True


if __name__ == '__main__':
    main()
