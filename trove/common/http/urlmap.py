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

"""Paste composite ``trove``: version documents, health check and API by the prefix of the path."""

import re
from typing import Any

from trove.common.http.request import VERSION_REFUSED_KEY

_SLASHES = re.compile('/{2,}')
_VERSIONED = re.compile(r'^/v\d')
_ACCEPT_VERSION = re.compile(
    r'application/vnd\.openstack\.trove(?:\+(?:json|xml))?\s*;\s*version=([^\s;,]+)')


class UrlMap:
    """Composite that passes a request to the application of its path prefix.

    A path without a version gets the version that the header ``Accept`` names.
    """

    def __init__(self, applications: dict[str, Any]) -> None:
        self._root = applications.pop('/')
        # Longest first, so that no prefix hides a longer one.
        self._applications = sorted(applications.items(), key=lambda item: -len(item[0]))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = _SLASHES.sub('/', environ.get('PATH_INFO') or '/')
        if not _VERSIONED.match(path) and not path.startswith('/healthcheck'):
            requested = _ACCEPT_VERSION.search(environ.get('HTTP_ACCEPT', ''))
            if requested and requested.group(1) != '1.0':
                # The versions application refuses it, so that the refusal passes all filters.
                environ[VERSION_REFUSED_KEY] = True
                return self._root(environ, start_response)
            if requested:
                path = f'/v1.0{path}'
        environ['PATH_INFO'] = path
        for prefix, application in self._applications:
            # The document of a version is public, so the versions application serves it.
            if path.startswith(
                    f'{prefix}/') and path != f'{prefix}/' or path == prefix == '/healthcheck':
                environ['SCRIPT_NAME'] = environ.get('SCRIPT_NAME', '') + prefix
                environ['PATH_INFO'] = path[len(prefix):]
                return application(environ, start_response)
        return self._root(environ, start_response)


def versioned_urlmap(loader: Any, global_conf: dict[str, str], **local_conf: str) -> UrlMap:
    """Create the composite from lines ``<path prefix>: <application>`` of api-paste.ini."""
    return UrlMap({
        prefix: loader.get_app(name, global_conf=global_conf)
        for prefix, name in local_conf.items()
    })
