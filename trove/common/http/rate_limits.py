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

"""Rate limits: leaky buckets by project, verb and part of the URL space, in each process."""

import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, UTC
from typing import Any, NamedTuple

from oslo_config import cfg

from trove.common.http import faults, serializers
from trove.common.http.request import Request
from trove.common.http.response import Response, written

CONF = cfg.CONF

#: Key of the environment with the limits of the caller, for GET limits.
REPORT_KEY = 'trove.rate_limits'

UNITS = {60: 'MINUTE'}

#: Projects with buckets in one process.
MAX_PROJECTS = 10000


class Rate(NamedTuple):
    """Limit of ``value`` requests of ``verb`` per ``unit`` seconds on paths that match ``regex``.

    The path begins after the project.
    """
    verb: str
    value: int
    uri: str
    regex: re.Pattern[str]
    unit: int = 60

    @property
    def cost(self) -> float:
        """Return the seconds that a request adds to a bucket, which holds ``unit`` seconds."""
        return self.unit / self.value

    def concerns(self, verb: str, path: str) -> bool:
        return verb == self.verb and self.regex.match(path) is not None


def configured_rates() -> list[Rate]:
    """Return the rates of the configuration; a rate of 0 is no limit."""
    anything, management = re.compile('.*'), re.compile('^/mgmt')
    rates = [
        Rate('POST', CONF.http_post_rate, '*', anything),
        Rate('PUT', CONF.http_put_rate, '*', anything),
        Rate('DELETE', CONF.http_delete_rate, '*', anything),
        Rate('GET', CONF.http_get_rate, '*', anything),
        Rate('POST', CONF.http_mgmt_post_rate, '/mgmt', management)
    ]
    return [rate for rate in rates if rate.value > 0]


class Limiter:
    """Buckets of all projects. Thread-safe.

    :param max_projects: projects with buckets; the project with the oldest request is dropped
        first, which only empties its buckets early.
    """

    def __init__(self, rates: list[Rate], clock: Callable[[], float] = time.time,
                 max_projects: int = MAX_PROJECTS) -> None:
        self.rates = rates
        self._max_projects = max_projects
        self._clock = clock
        self._lock = threading.Lock()
        #: project -> for each rate (level in seconds, time of that level)
        self._projects: OrderedDict[str, list[tuple[float, float]]] = OrderedDict()

    def take(self, project: str, verb: str, path: str) -> tuple[Rate, float] | None:
        """Count a request.

        :returns: None when it may go on, else the rate it exceeds and the seconds to wait.
        """
        now = self._clock()
        with self._lock:
            buckets = self._buckets(project, now)
            concerned = [
                index for index, rate in enumerate(self.rates) if rate.concerns(verb, path)
            ]
            levels = {index: self._level(buckets[index], now) for index in concerned}
            for index in concerned:
                rate = self.rates[index]
                # The tolerance is for the error of adding fractions.
                over = levels[index] + rate.cost - rate.unit
                if over > 1e-6:
                    return rate, over
            for index in concerned:
                buckets[index] = (levels[index] + self.rates[index].cost, now)
            return None

    def report(self, project: str) -> list[dict[str, Any]]:
        """Return the limits of a project as GET limits shows them."""
        now = self._clock()
        with self._lock:
            levels = [self._level(bucket, now) for bucket in self._buckets(project, now)]
        return [
            self._line(rate, level, now) for rate, level in zip(self.rates, levels, strict=True)
        ]

    @staticmethod
    def _line(rate: Rate, level: float, now: float) -> dict[str, Any]:
        remaining = math.floor((rate.unit - level) / rate.cost + 1e-6)
        wait = 0.0 if remaining else level + rate.cost - rate.unit
        available = datetime.fromtimestamp(now + wait, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
        return {
            'verb': rate.verb,
            'value': rate.value,
            'remaining': remaining,
            'unit': UNITS[rate.unit],
            'nextAvailable': available,
            'uri': rate.uri,
            'regex': rate.regex.pattern
        }

    @staticmethod
    def _level(bucket: tuple[float, float], now: float) -> float:
        level, since = bucket
        return max(0.0, level - max(0.0, now - since))

    def _buckets(self, project: str, now: float) -> list[tuple[float, float]]:
        buckets = self._projects.get(project)
        if buckets is None:
            buckets = self._projects[project] = [(0.0, now)] * len(self.rates)
            if len(self._projects) > self._max_projects:
                self._projects.popitem(last=False)
        else:
            self._projects.move_to_end(project)
        return buckets


class RateLimitingMiddleware:
    """Paste filter ``ratelimit``; after the token check, because it counts by project."""

    def __init__(self, application: Any, limiter: Limiter | None = None) -> None:
        self.application = application
        self.limiter = limiter or Limiter(configured_rates())

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        project = request.context.project_id or ''
        path = '/' + environ['PATH_INFO'].lstrip('/').partition('/')[2]
        refused = self.limiter.take(project, request.method, path)
        if refused is not None:
            return self._refuse(request.response_format, *refused)(environ, start_response)
        environ[REPORT_KEY] = lambda: self.limiter.report(project)
        return self.application(environ, start_response)

    @staticmethod
    def _refuse(form: serializers.Format, rate: Rate, wait: float) -> Any:
        seconds = str(math.ceil(wait))
        body = faults.body(
            413, 'Too many calls for this project.', retryAfter=seconds,
            details=f'{rate.value} {rate.verb} per {UNITS[rate.unit]} allowed on {rate.uri}')
        return written(form, Response(413, body, (('Retry-After', seconds),)))
