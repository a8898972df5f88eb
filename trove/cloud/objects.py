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

"""The object store, in our words: containers, objects, and URLs that open one thing for a short time.

One :class:`Objects` is one account. Logs and backups belong to the tenant, so they are kept in the tenant's own
account; the service reaches it with its own credentials, whose role there the operator gives (reseller administrator).
Guests never hold a token: they are given a temporary URL for one method and one prefix.
Speaks to Swift with openstacksdk.
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
#: The second of the two keys a container has: the first one is left to its owner.
_KEY_HEADER = 'X-Container-Meta-Temp-URL-Key-2'


@dataclasses.dataclass(frozen=True)
class StoredObject:
    """:ivar size: bytes. :ivar etag: MD5 of the content, or of the parts' for a large object.

    :ivar modified: as the store says it. :ivar metadata: names in small letters; empty in listings.
    :ivar headers: all headers, names in small letters; empty in listings.
    """
    name: str
    size: int
    etag: str = ''
    modified: str = ''
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Container:
    """:ivar objects: how many. :ivar size: bytes."""
    name: str
    objects: int
    size: int


class Objects:
    """One account of Swift in one region.

    :param proxy: openstacksdk's client; its credentials have rights to the account.
    :param url: address of the account, without a slash at its end.
    """

    def __init__(self, proxy: _proxy.Proxy, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._swift = proxy
        self._clock = clock
        self.url = url

    def check(self) -> None:
        """Ask whether these credentials may use the account; one that does not exist yet is made when first used.

        :raises CloudError: with ``refused`` set when they may not.
        """
        with errors.translated('object store', 'show the account'):
            answer = self._swift.head(self.url)
            if answer.status_code in (401, 403):
                raise exception.CloudRefused(
                    'The object store service does not let you use the account of the project.',
                    detail=f'object store: HEAD {self.url} answered {answer.status_code}')
            if answer.status_code != 404:
                sdk_errors.raise_from_response(answer)

    # --- containers -------------------------------------------------------------------------------

    def ensure_container(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        """Ensure that a container exists and has these headers; others it has stay."""
        self._ask('PUT', 'make the container', name, headers=headers)

    def get_container(self, name: str) -> Container:
        """:raises CloudNotFound: there is none."""
        found = self._ask('HEAD', 'show the container', name).headers
        return Container(name=name, objects=int(found.get('x-container-object-count') or 0),
                         size=int(found.get('x-container-bytes-used') or 0))

    def delete_container(self, name: str) -> None:
        """Ensure that an empty container is gone.

        :raises CloudError: it is not empty.
        """
        self._ask('DELETE', 'delete the container', name, gone_is_fine=True)

    def list(self, container: str, prefix: str = '', *, before: str = '') -> Iterator[StoredObject]:
        """Objects in the order of their names, page by page; none when there is no container.

        :param before: only those whose name sorts before this one.
        """
        marker = ''
        while True:
            query = {'format': 'json', 'limit': str(_PAGE), 'prefix': prefix, 'marker': marker, 'end_marker': before}
            answer = self._ask('GET', 'list the container', container, gone_is_fine=True,
                               query={name: value for name, value in query.items() if value})
            page = answer.json() if answer.status_code == 200 else []
            for item in page:
                yield StoredObject(name=item['name'], size=int(item['bytes']), etag=item.get('hash', ''),
                                   modified=item.get('last_modified', ''))
            if len(page) < _PAGE:
                return
            marker = page[-1]['name']

    # --- objects ----------------------------------------------------------------------------------

    def head(self, container: str, name: str) -> StoredObject:
        """:raises CloudNotFound: there is none."""
        found = {key.lower(): value for key, value in
                 self._ask('HEAD', 'show the object', container, name).headers.items()}
        return StoredObject(
            name=name, size=int(found.get('content-length') or 0), etag=found.get('etag', '').strip('"'),
            modified=found.get('last-modified', ''), headers=found,
            metadata={key[len(_META):]: value for key, value in found.items() if key.startswith(_META)})

    def get(self, container: str, name: str) -> bytes:
        """The content of a small object.

        :raises CloudNotFound: there is none.
        """
        return self._ask('GET', 'read the object', container, name).content

    def put(self, container: str, name: str, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Store a small object, in place of one with this name.

        :param headers: such as X-Delete-After, X-Object-Meta-…, X-Object-Manifest.
        """
        # The store compares what arrived.
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self._ask('PUT', 'store the object', container, name, content=content,
                  headers={'ETag': etag, **(headers or {})})

    def delete(self, container: str, name: str, *, with_segments: bool = False) -> None:
        """Ensure that an object is gone.

        :param with_segments: of a static large object, the segments too.
        """
        self._ask('DELETE', 'delete the object', container, name, gone_is_fine=True,
                  query={'multipart-manifest': 'delete'} if with_segments else None)

    def delete_all(self, container: str, prefix: str, *, before: str = '') -> int:
        """Ensure that no object is left whose name begins with ``prefix`` (and sorts before another name).

        :returns: how many were deleted.
        """
        deleted = 0
        for found in list(self.list(container, prefix, before=before)):
            self.delete(container, found.name)
            deleted += 1
        return deleted

    # --- temporary URLs ---------------------------------------------------------------------------

    def ensure_key(self, container: str, key: bytes) -> None:
        """Ensure that a container exists and takes URLs signed with this key."""
        self.ensure_container(container, {_KEY_HEADER: _text(key)})

    def temporary_url(self, container: str, name: str, key: bytes, *, method: str, seconds: int,
                      prefix: bool = False) -> tuple[str, str]:
        """A URL that lets whoever has it do one thing for a while, without a token.

        :param name: of the object, or, with ``prefix``, what names of objects must begin with.
        :param method: GET (HEAD too) or PUT.
        :returns: (URL up to and with ``name``, query to be added after the rest of the object's name)
        """
        url = f'{self.url}/{_quoted(container)}/{_quoted(name)}'
        expires = int(self._clock()) + seconds
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        signed = f'{method}\n{expires}\n{"prefix:" if prefix else ""}{path}'
        query = {'temp_url_sig': hmac.new(_text(key).encode(), signed.encode(), hashlib.sha256).hexdigest(),
                 'temp_url_expires': str(expires)}
        if prefix:
            query['temp_url_prefix'] = name
        return url, urllib.parse.urlencode(query)

    # --- asking -----------------------------------------------------------------------------------

    def _ask(self, method: str, doing: str, container: str, name: str | None = None, *,
             content: bytes | None = None, headers: Mapping[str, str] | None = None,
             query: Mapping[str, str] | None = None, gone_is_fine: bool = False) -> Any:
        """:raises CloudNotFound, CloudQuotaExceeded, CloudError:"""
        url = f'{self.url}/{_quoted(container)}' + (f'/{_quoted(name)}' if name is not None else '')
        with errors.translated('object store', doing):
            answer = self._swift.request(url, method, data=content, headers=dict(headers or {}),
                                         params=dict(query or {}))
            if not (gone_is_fine and answer.status_code == 404):
                sdk_errors.raise_from_response(answer)
        return answer


def _text(key: bytes) -> str:
    """The form of a key that fits into a header."""
    return base64.urlsafe_b64encode(key).rstrip(b'=').decode('ascii')


def _quoted(name: str) -> str:
    return urllib.parse.quote(name)


def account_url(endpoint: str, own_project: str, project_id: str) -> str:
    """The address of a project's account, given that of another one, which ends with that one's project id.

    :raises CloudError: it does not; then nobody can tell where the other accounts are.
    """
    bare = endpoint.rstrip('/')
    if not bare.endswith(own_project):
        raise exception.CloudError(
            'The object store service cannot be used: its address names no project.', retriable=False,
            detail=f'the object-store endpoint {bare} does not end with the id of the project {own_project}')
    return bare[:len(bare) - len(own_project)] + project_id
