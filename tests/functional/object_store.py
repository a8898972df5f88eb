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

"""Part of Swift inside a test: accounts, containers, objects, temporary URLs, expiry.

It checks access, signatures, object names and headers as the real Swift does; tests/e2e uses the
real one.
"""

import dataclasses
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

import webob
from minicloud import faults, identity

#: Prefixes of the path.
ROOT = '/object/v1/AUTH_'
_KEYS = ('X-Container-Meta-Temp-Url-Key', 'X-Container-Meta-Temp-Url-Key-2')


@dataclasses.dataclass
class Stored:
    """Stored object."""
    content: bytes
    headers: dict[str, str]
    modified: float
    #: Expiry, in seconds since the epoch.
    until: float | None = None

    @property
    def etag(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


@dataclasses.dataclass
class Container:
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    objects: dict[str, Stored] = dataclasses.field(default_factory=dict)


class ObjectStore:
    """WSGI application.

    :param plan: planned failures; the name of the service is ``object``.
    """

    def __init__(self, identifier: identity.Identifier, plan: Any = None,
                 clock: Callable[[], float] = time.time) -> None:
        self._identifier = identifier
        self._plan = plan
        self._clock = clock
        #: project id -> container name -> container
        self.accounts: dict[str, dict[str, Container]] = {}
        #: (method, path) of each request.
        self.requests: list[tuple[str, str]] = []
        self._number = 0

    def names(self, project_id: str, container: str) -> list[str]:
        """Return the sorted names of the objects."""
        return sorted(self.accounts.get(project_id, {}).get(container, Container()).objects)

    def content(self, project_id: str, container: str, name: str) -> bytes:
        return self.accounts[project_id][container].objects[name].content

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        request = webob.Request(environ)
        self.requests.append((request.method, request.path_info))
        struck = self._plan.of_request('object', request.method, request.path_info,
                                       request) if self._plan else []
        for fault in struck:
            if fault.mode == 'before':
                raise faults.ConnectionLost
            if fault.mode == 'status':
                return webob.Response(status=fault.status)(environ, start_response)
        response = self._answer(request)
        if any(fault.mode == 'after' for fault in struck):
            raise faults.ConnectionLost
        return response(environ, start_response)

    def put(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        """Return the response to a guest's PUT, without a network."""
        request = webob.Request.blank(
            urllib.parse.urlsplit(url).path + '?' + urllib.parse.urlsplit(url).query, method='PUT',
            headers=headers)
        request.body = content
        return request.get_response(self).status_int

    def _answer(self, request: webob.Request) -> webob.Response:
        path = request.path_info
        if not path.startswith(ROOT):
            return webob.Response(status=404)
        project, _, rest = path[len(ROOT):].partition('/')
        container, _, name = rest.partition('/')
        if not self._may(request, project, container, name):
            return webob.Response(
                status=401 if 'temp_url_sig' in request.GET or not self._who(request) else 403)
        if not container:
            return webob.Response(status=204 if project in self.accounts else 404)
        if not name:
            return self._container(request, project, container)
        return self._object(request, project, container, name)

    def _who(self, request: webob.Request) -> identity.Identity | None:
        return self._identifier.identify(request.environ)

    def _may(self, request: webob.Request, project: str, container: str, name: str) -> bool:
        if 'temp_url_sig' in request.GET:
            return self._is_signed(request, project, container, name)
        who = self._who(request)
        if who is None:
            return False
        return who.is_admin or who.project_id == project and bool(who.roles & {'member', 'admin'})

    def _is_signed(self, request: webob.Request, project: str, container: str, name: str) -> bool:
        query = request.GET
        found = self.accounts.get(project, {}).get(container)
        if found is None or not name or int(query['temp_url_expires']) < self._clock():
            return False
        path = f'{ROOT}{project}/{container}/{name}'
        if 'temp_url_prefix' in query:
            if not name.startswith(query['temp_url_prefix']):
                return False
            path = f'prefix:{ROOT}{project}/{container}/{query["temp_url_prefix"]}'
        text = f'{request.method}\n{query["temp_url_expires"]}\n{path}'.encode()
        return any(
            hmac.compare_digest(
                hmac.new(found.headers[key].encode(), text, hashlib.sha256).hexdigest(),
                query['temp_url_sig']) for key in _KEYS if key in found.headers)

    def _container(self, request: webob.Request, project: str, name: str) -> webob.Response:
        containers = self.accounts.setdefault(project, {})
        if request.method == 'PUT':
            status = 202 if name in containers else 201
            containers.setdefault(name, Container()).headers.update(_kept(request, 'X-Container-'))
            return webob.Response(status=status)
        if name not in containers:
            return webob.Response(status=404)
        found = containers[name]
        self._expire(found)
        if request.method == 'DELETE':
            if found.objects:
                return webob.Response(status=409)
            del containers[name]
            return webob.Response(status=204)
        headers = {
            **found.headers, 'X-Container-Object-Count': str(len(found.objects)),
            'X-Container-Bytes-Used': str(sum(len(one.content) for one in found.objects.values()))
        }
        if request.method == 'HEAD':
            return webob.Response(status=204, headers=headers)
        return _listing(request, found, headers)

    def _object(self, request: webob.Request, project: str, container: str,
                name: str) -> webob.Response:
        found = self.accounts.get(project, {}).get(container)
        if found is None:
            return webob.Response(status=404)
        self._expire(found)
        if request.method == 'PUT':
            return self._store(request, found, name)
        if name not in found.objects:
            return webob.Response(status=404)
        stored = found.objects[name]
        if request.method == 'DELETE':
            del found.objects[name]
            return webob.Response(status=204)
        response = webob.Response(status=200, headers={**stored.headers, 'ETag': stored.etag})
        response.body = stored.content
        response.last_modified = stored.modified
        return response

    def _store(self, request: webob.Request, found: Container, name: str) -> webob.Response:
        expected = request.headers.get('ETag', '').strip('"')
        if expected and hashlib.md5(request.body, usedforsecurity=False).hexdigest() != expected:
            return webob.Response(status=422)
        after = request.headers.get('X-Delete-After')
        # The timestamps of two objects always differ, as in the real Swift.
        self._number += 1
        now = self._clock() + self._number / 1e6
        found.objects[name] = Stored(request.body, _kept(request, 'X-Object-', 'Content-Type'), now,
                                     now + int(after) if after else None)
        return webob.Response(status=201, headers={'ETag': found.objects[name].etag})

    def _expire(self, found: Container) -> None:
        for name in [
                name for name, one in found.objects.items()
                if one.until and one.until < self._clock()
        ]:
            del found.objects[name]


def _kept(request: webob.Request, *beginnings: str) -> dict[str, str]:
    return {
        name.title(): value
        for name, value in request.headers.items()
        if name.title().startswith(beginnings)
    }


def _listing(request: webob.Request, found: Container, headers: dict[str, str]) -> webob.Response:
    query = request.GET
    end = query.get('end_marker')
    names = [name for name in sorted(found.objects)
             if name.startswith(query.get('prefix', '')) and name > query.get('marker', '')
             and (not end or name < end)][:int(query.get('limit', 10000))]
    items = [{
        'name': name,
        'bytes': len(found.objects[name].content),
        'hash': found.objects[name].etag,
        'content_type': found.objects[name].headers.get('Content-Type', ''),
        'last_modified': _moment(found.objects[name].modified)
    } for name in names]
    if query.get('format') == 'json':
        return webob.Response(status=200, body=json.dumps(items).encode(), headers=headers,
                              content_type='application/json')
    return webob.Response(status=200 if names else 204, body=''.join(
        f'{name}\n' for name in names).encode(), headers=headers, content_type='text/plain')


def _moment(seconds: float) -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%S',
                         time.gmtime(seconds)) + f'.{int(seconds % 1 * 1e6):06d}'
