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

"""Metrics of a process, and a small HTTP server that exposes them as Prometheus text.

The Prometheus client library would cost each worker of trove-api 4 MB, so counters, gauges and
histograms are implemented here. A metric is declared beside the code it measures. Metric names are
a public interface (doc/source/admin/metrics.rst).
"""

import bisect
import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

#: Default histogram buckets in seconds.
SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)

#: Label values and the value of the metric for them.
Sample = tuple[Sequence[str], float]


class Metric:
    """Base of all metrics. Instances are thread-safe."""

    kind = ''

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.text = text
        self.labels = tuple(labels)
        self._lock = threading.Lock()

    def lines(self) -> list[str]:
        """Return the metric as lines of Prometheus text."""
        return [
            f'# HELP {self.name} {self.text}', f'# TYPE {self.name} {self.kind}', *self._samples()
        ]

    def _samples(self) -> list[str]:
        raise NotImplementedError

    def _line(self, suffix: str, values: Sequence[str], value: float, **more: str) -> str:
        pairs = [*zip(self.labels, values), *more.items()]
        shown = ','.join(f'{name}="{_escaped(str(text))}"' for name, text in pairs)
        return f'{self.name}{suffix}{"{" + shown + "}" if shown else ""} {_number(value)}'


class Counter(Metric):
    """Value that only grows."""

    kind = 'counter'

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, text, labels)
        self._values: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        """Increase the counter of the given label values by ``amount``."""
        with self._lock:
            self._values[values] = self._values.get(values, 0) + amount

    def _samples(self) -> list[str]:
        with self._lock:
            known = sorted(self._values.items())
        return [self._line('', values, value) for values, value in known]


class Histogram(Metric):
    """Distribution of observed values over buckets."""

    kind = 'histogram'

    def __init__(self, name: str, text: str, labels: Sequence[str] = (),
                 bounds: Sequence[float] = SECONDS) -> None:
        super().__init__(name, text, labels)
        self._bounds = tuple(bounds)
        #: label values -> ([count per bucket, count above the last bound], [sum])
        self._values: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def observe(self, value: float, *values: str) -> None:
        """Record ``value`` for the given label values."""
        place = bisect.bisect_left(self._bounds, value)
        with self._lock:
            counts, total = self._values.setdefault(values, ([0] * (len(self._bounds) + 1), [0.0]))
            counts[place] += 1
            total[0] += value

    def _samples(self) -> list[str]:
        with self._lock:
            known = [(values, list(counts), total[0])
                     for values, (counts, total) in sorted(self._values.items())]
        lines = []
        for values, counts, total in known:
            number = 0
            for bound, count in zip(self._bounds, counts):
                number += count
                lines.append(self._line('_bucket', values, number, le=_number(bound)))
            number += counts[-1]
            lines.append(self._line('_bucket', values, number, le='+Inf'))
            lines.append(self._line('_sum', values, total))
            lines.append(self._line('_count', values, number))
        return lines


class CallbackGauge(Metric):
    """Gauge that calls a function for its samples at every scrape.

    :param callback: returns the samples.
    """

    kind = 'gauge'

    def __init__(self, name: str, text: str, labels: Sequence[str],
                 callback: Callable[[], Iterable[Sample]]) -> None:
        super().__init__(name, text, labels)
        self._callback = callback

    def _samples(self) -> list[str]:
        return [self._line('', values, value) for values, value in self._callback()]


class CallbackCounter(CallbackGauge):
    """Counter that calls a function for its samples at every scrape."""

    kind = 'counter'


class Registry:
    """Metrics of a process, by name."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, *metrics: Metric) -> None:
        """Expose the metrics; one with a known name replaces the former."""
        self._metrics |= {metric.name: metric for metric in metrics}

    def text(self) -> str:
        """Return all metrics as Prometheus text; count and leave out those that fail."""
        lines: list[str] = []
        failures = 0
        for metric in list(self._metrics.values()):
            try:
                lines += metric.lines()
            except Exception:
                failures += 1
                LOG.exception('Metric %s failed', metric.name)
        lines += CallbackGauge('trove_metrics_failed', 'Metrics that failed at this scrape.', (),
                               lambda: [((), failures)]).lines()
        return '\n'.join(lines) + '\n'


REGISTRY = Registry()
REGISTRY.add(
    CallbackGauge('process_resident_memory_bytes', 'Resident memory of this process.', (),
                  lambda: [((), _resident())]))


class _Handler(http.server.BaseHTTPRequestHandler):
    """Handler of ``GET /metrics``; a slow client is disconnected after ``timeout`` seconds."""

    timeout = 10
    protocol_version = 'HTTP/1.0'
    server_version = 'trove'
    sys_version = ''

    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        if self.path.partition('?')[0] != '/metrics':
            self.send_error(404)
            return
        body = REGISTRY.text().encode()
        self.send_response(200)
        self.send_header('Content-Type', CONTENT_TYPE)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug('metrics: %s', format % args)


class Server(http.server.ThreadingHTTPServer):
    """HTTP server with one thread per request (a green thread in trove-api)."""

    daemon_threads = True

    def run(self) -> None:
        """Serve until :meth:`stop`. The library's own loop would block all green threads."""
        while True:
            try:
                request, client = self.get_request()
            except OSError:
                return
            self.process_request(request, client)

    def stop(self) -> None:
        """Close the listening socket and end :meth:`run`."""
        # Closing the socket does not interrupt a blocked accept(); a shutdown does.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug('metrics: connection of %s failed', client_address)


def serve(host: str, port: int | None, worker: int = 0) -> Server | None:
    """Serve the metrics of this process in a thread until the process ends.

    A port that is in use is logged and does not stop the service.

    :param port: None disables the server.
    :param worker: number of this process among its service's workers, added to the port.
    """
    if port is None:
        return None
    Server.address_family = _family(host)
    try:
        server = Server((host, port + worker), _Handler)
    except OSError as failure:
        LOG.error('Cannot listen on %s:%s for metrics: %s', host, port + worker, failure.strerror)
        return None
    threading.Thread(target=server.run, name='metrics', daemon=True).start()
    LOG.info('Metrics are served on http://%s:%s/metrics', host, port + worker)
    return server


def _family(host: str) -> Any:
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def _resident() -> int:
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')
