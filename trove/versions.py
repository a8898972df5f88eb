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

"""Version documents. They are public: they need no token, no project and no database."""

from typing import Any

from trove.common.http import faults, serializers, views
from trove.common.http.request import VERSION_REFUSED_KEY, Request
from trove.common.http.response import Response, written
from trove.common.http.schemas import LINKS, STRING, array, showing, shown

VERSION = 'v1.0'

_SHOWN = shown('Version', {'id': STRING, 'status': STRING, 'updated': STRING, 'links': LINKS})
INDEX = showing('versions', array(_SHOWN))
SHOW = showing('version', _SHOWN)


def document(href: str) -> dict[str, Any]:
    return {'id': VERSION, 'status': 'CURRENT', 'updated': '2012-08-01T00:00:00Z',
            'links': [{'rel': 'self', 'href': href}]}


class VersionsApplication:
    """Application of ``GET /`` and ``GET /v1.0``.

    Other paths that reach the application are unknown, or request a version that does not exist.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        return written(request.response_format, self._answer(request))(environ, start_response)

    @staticmethod
    def _answer(request: Request) -> Response:
        if VERSION_REFUSED_KEY in request.environ:
            return Response(406, faults.body(406, 'version not supported'))
        base = views.base_url(request)
        path = request.path_info.rstrip('/')
        stem, dot, suffix = path.rpartition('.')
        if dot and stem == f'/{VERSION}' and serializers.by_suffix(suffix):
            path = stem
        if request.method == 'GET' and path == '':
            return Response(200, {'versions': [document(f'{base}/{VERSION}/')]})
        if request.method == 'GET' and path == f'/{VERSION}':
            return Response(200, {'version': document(f'{base}/{VERSION}/')})
        return Response(404, faults.body(404, 'The resource could not be found.'))


def app_factory(_global_conf: dict[str, str], **_local_conf: str) -> VersionsApplication:
    return VersionsApplication()
