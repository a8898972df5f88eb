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

"""Containers, objects and temporary URLs of Swift, through openstacksdk.

One :class:`Objects` is one account. Logs and backups belong to the tenant, so they are stored in
the tenant's account. The service reaches it with its own credentials, to which the operator assigns
a role (reseller administrator). Guests never hold a token: they get a temporary URL for one method
and one prefix.
"""

import base64
import dataclasses
import hashlib
import hmac
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openstack import exceptions as sdk_errors
from openstack.object_store.v1 import _proxy

from trove.cloud import errors
from trove.common import exception

_PAGE = 1000
_META = 'x-object-meta-'
#: Header of the second key of a container; the first one is for its owner.
_KEY_HEADER = 'X-Container-Meta-Temp-URL-Key-2'


@dataclasses.dataclass(frozen=True)
class StoredObject:
    """An object of Swift.

    :ivar size: bytes.
    :ivar etag: MD5 of the content, or of the parts' MD5 for a large object.
    :ivar modified: time as formatted by Swift.
    :ivar metadata: names in lower case; empty in listings.
    :ivar headers: all headers, names in lower case; empty in listings.
    """
    name: str
    size: int
    etag: str = ''
    modified: str = ''
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Container:
    """A container of Swift.

    :ivar objects: number of objects.
    :ivar size: bytes.
    """
    name: str
    objects: int
    size: int


class Objects:
    """One account of Swift in one region.

    :param proxy: openstacksdk's client; its credentials have access to the account.
    :param url: URL of the account, without a trailing slash.
    """

    def __init__(self, proxy: _proxy.Proxy, url: str, *,
                 clock: Callable[[], float] = time.time) -> None:
        self._swift = proxy
        self._clock = clock
        self.url = url

    def check(self) -> None:
        """Check that these credentials may use the account. Swift creates a missing account at its
        first use.

        :raises CloudRefused: they may not.
        """
        with errors.translated('object store', 'show the account'):
            response = self._swift.head(self.url)
            if response.status_code in (401, 403):
                raise exception.CloudRefused(
                    'The object store service denies access to the account of the project.',
                    detail=f'object store: HEAD {self.url} returned {response.status_code}')
            if response.status_code != 404:
                sdk_errors.raise_from_response(response)

    # --- containers -------------------------------------------------------------------------------

    def ensure_container(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        """Ensure that a container exists and has these headers; its other headers stay."""
        self._request('PUT', 'create the container', name, headers=headers)

    def get_container(self, name: str) -> Container:
        """Return a container.

        :raises CloudNotFound: it does not exist.
        """
        found = self._request('HEAD', 'show the container', name).headers
        return Container(name=name, objects=int(found.get('x-container-object-count') or 0),
                         size=int(found.get('x-container-bytes-used') or 0))

    def delete_container(self, name: str) -> None:
        """Ensure that an empty container is gone.

        :raises CloudError: it is not empty.
        """
        self._request('DELETE', 'delete the container', name, may_be_missing=True)

    def list(self, container: str, prefix: str = '', *, before: str = '') -> Iterator[StoredObject]:
        """Yield objects in the order of their names, page by page; none if the container is
        missing.

        :param before: only objects with a name that sorts before this one.
        """
        marker = ''
        while True:
            query = {
                'format': 'json',
                'limit': str(_PAGE),
                'prefix': prefix,
                'marker': marker,
                'end_marker': before
            }
            response = self._request('GET', 'list the container', container, may_be_missing=True,
                                     query={name: value for name, value in query.items() if value})
            page = response.json() if response.status_code == 200 else []
            for item in page:
                yield StoredObject(name=item['name'], size=int(item['bytes']),
                                   etag=item.get('hash',
                                                 ''), modified=item.get('last_modified', ''))
            if len(page) < _PAGE:
                return
            marker = page[-1]['name']

    # --- objects ----------------------------------------------------------------------------------

    def head(self, container: str, name: str) -> StoredObject:
        """Return an object without its content.

        :raises CloudNotFound: it does not exist.
        """
        found = {key.lower(): value for key, value in
                 self._request('HEAD', 'show the object', container, name).headers.items()}
        return StoredObject(
            name=name, size=int(found.get('content-length') or 0), etag=found.get('etag',
                                                                                  '').strip('"'),
            modified=found.get('last-modified', ''), headers=found, metadata={
                key[len(_META):]: value
                for key, value in found.items() if key.startswith(_META)
            })

    def get(self, container: str, name: str) -> bytes:
        """Return the content of a small object.

        :raises CloudNotFound: it does not exist.
        """
        return self._request('GET', 'read the object', container, name).content

    def put(self, container: str, name: str, content: bytes,
            headers: Mapping[str, str] | None = None) -> None:
        """Store a small object; replaces one with the same name.

        :param headers: such as X-Delete-After, X-Object-Meta-…, X-Object-Manifest.
        """
        # Swift verifies the content with it.
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self._request('PUT', 'store the object', container, name, content=content,
                      headers={'ETag': etag, **(headers or {})})

    def delete(self, container: str, name: str, *, with_segments: bool = False) -> None:
        """Ensure that an object is gone.

        :param with_segments: also delete the segments of a static large object.
        """
        self._request('DELETE', 'delete the object', container, name, may_be_missing=True,
                      query={'multipart-manifest': 'delete'} if with_segments else None)

    def delete_all(self, container: str, prefix: str, *, before: str = '') -> int:
        """Delete all objects with a name that begins with ``prefix`` and sorts before ``before``.

        :returns: the number of deleted objects.
        """
        deleted = 0
        for found in list(self.list(container, prefix, before=before)):
            self.delete(container, found.name)
            deleted += 1
        return deleted

    # --- temporary URLs ---------------------------------------------------------------------------

    def ensure_key(self, container: str, key: bytes) -> None:
        """Ensure that a container exists and accepts URLs signed with this key."""
        self.ensure_container(container, {_KEY_HEADER: _text(key)})

    def temporary_url(self, container: str, name: str, key: bytes, *, method: str, seconds: int,
                      prefix: bool = False) -> tuple[str, str]:
        """Return a URL that permits one request for a limited time, without a token.

        :param name: of the object or, with ``prefix``, the prefix of the permitted names.
        :param method: GET (HEAD too) or PUT.
        :returns: (URL up to and with ``name``, query to be added after the rest of the object's
            name)
        """
        url = f'{self.url}/{_quoted(container)}/{_quoted(name)}'
        expires = int(self._clock()) + seconds
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        signed = f'{method}\n{expires}\n{"prefix:" if prefix else ""}{path}'
        query = {
            'temp_url_sig': hmac.new(_text(key).encode(), signed.encode(),
                                     hashlib.sha256).hexdigest(),
            'temp_url_expires': str(expires)
        }
        if prefix:
            query['temp_url_prefix'] = name
        return url, urllib.parse.urlencode(query)

    # --- requests ---------------------------------------------------------------------------------

    def _request(self, method: str, doing: str, container: str, name: str | None = None, *,
                 content: bytes | None = None, headers: Mapping[str, str] | None = None,
                 query: Mapping[str, str] | None = None, may_be_missing: bool = False) -> Any:
        """Send a request for a container or an object.

        :raises CloudNotFound, CloudQuotaExceeded, CloudError:
        """
        url = f'{self.url}/{_quoted(container)}' + (f'/{_quoted(name)}' if name is not None else '')
        with errors.translated('object store', doing):
            response = self._swift.request(url, method, data=content, headers=dict(headers or {}),
                                           params=dict(query or {}))
            if not (may_be_missing and response.status_code == 404):
                sdk_errors.raise_from_response(response)
        return response


def _text(key: bytes) -> str:
    """Return a key in a form for a header."""
    return base64.urlsafe_b64encode(key).rstrip(b'=').decode('ascii')


def _quoted(name: str) -> str:
    return urllib.parse.quote(name)


def account_url(endpoint: str, own_project: str, project_id: str) -> str:
    """Return the URL of a project's account, derived from another one that ends with its project
    id.

    :raises CloudError: it does not, so the URL is unknown.
    """
    bare = endpoint.rstrip('/')
    if not bare.endswith(own_project):
        raise exception.CloudError(
            'The object store service cannot be used: its URL contains no project.',
            retriable=False, detail=f'the object-store endpoint {bare} does not end with the id of '
            f'the project {own_project}')
    return bare[:len(bare) - len(own_project)] + project_id
