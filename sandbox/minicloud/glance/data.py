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

"""Bytes of uploaded images; other images have only the path of a root tree."""

import hashlib
import os
import tempfile

import webob

from minicloud import errors, web
from minicloud.glance import images
from minicloud.state import Record

_PIECE = 1024 * 1024


def _directory(call: web.Call) -> str:
    directory = call.cloud.settings.image_directory
    if directory is None:
        raise errors.NotSupported('This cloud keeps no bytes of images.')
    os.makedirs(directory, mode=0o700, exist_ok=True)
    return directory


def upload(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /images/{id}/file."""
    record = images.find(call, id, change=True)
    if record['status'] != 'queued':
        raise errors.Conflict(f"Image status transition from {record['status']} to saving is "
                              'not allowed')
    if not record['disk_format'] or not record['container_format']:
        raise errors.BadRequest('Properties disk_format, container_format must be set prior to '
                                'saving data.')
    directory = _directory(call)
    # An upload takes as long as the client needs, so it runs after the transaction.
    call.tx.update('image', id, status='saving')
    call.later = lambda: _receive(call, record, directory)
    return 204, None


def _receive(call: web.Call, record: Record, directory: str) -> web.Answer:
    md5, sha512, size = hashlib.md5(usedforsecurity=False), hashlib.sha512(), 0
    path = os.path.join(directory, record['id'])
    try:
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
            while piece := call.request.body_file.read(_PIECE):
                file.write(piece)
                md5.update(piece)
                sha512.update(piece)
                size += len(piece)
        os.rename(file.name, path)
    except OSError:
        with call.cloud.state.transaction() as tx:
            tx.update('image', record['id'], status='queued')
        raise
    with call.cloud.state.transaction() as tx:
        tx.update('image', record['id'], status='active', size=size, path=path, uploaded=True,
                  checksum=md5.hexdigest(), os_hash_algo='sha512',
                  os_hash_value=sha512.hexdigest(), updated_at=call.time())
    return 204, None


def download(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /images/{id}/file."""
    record = images.find(call, id)
    if not record['uploaded']:
        return 204, None
    response = webob.Response(content_type='application/octet-stream')
    response.app_iter = open(record['path'], 'rb')
    response.content_length = record['size']
    response.content_md5 = record['checksum']
    return response


ROUTES = [web.Route('PUT', '/images/{id}/file', upload),
          web.Route('GET', '/images/{id}/file', download)]
