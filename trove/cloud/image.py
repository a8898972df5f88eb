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

"""Guest images in Glance, through openstacksdk."""

import dataclasses
from typing import Any, Iterable

from openstack.image.v2 import _proxy

from trove.cloud import errors


@dataclasses.dataclass(frozen=True)
class Image:
    """An image of Glance.

    :ivar size: bytes.
    :ivar min_disk: GB.
    :ivar min_ram: MB.
    """
    id: str
    name: str
    status: str
    owner: str
    tags: frozenset[str] = frozenset()
    checksum: str | None = None
    size: int = 0
    min_disk: int = 0
    min_ram: int = 0


class Images:
    """Glance in one region, with the credentials of one user."""

    def __init__(self, proxy: _proxy.Proxy) -> None:
        self._glance = proxy

    def get_image(self, image_id: str) -> Image:
        """Return an image.

        :raises CloudNotFound: it does not exist.
        """
        with errors.translated('image', 'show the image'):
            return _image(self._glance.get_image(image_id))

    def find_by_tags(self, tags: Iterable[str], *, owner: str) -> Image | None:
        """Return the newest active image of ``owner`` with all the tags.

        Images of other projects never match, because anybody may tag their own public image.
        """
        required = sorted(set(tags))
        if not required:
            return None
        with errors.translated('image', 'look for the image'):
            listed = self._glance.images(owner=owner, status='active', tag=required,
                                         sort='created_at:desc')
            for item in listed:
                has_tags = set(required) <= set(item.tags or ())
                if item.owner == owner and item.status == 'active' and has_tags:
                    return _image(item)
        return None


def _image(item: Any) -> Image:
    return Image(id=item.id, name=item.name or '', status=item.status or '', owner=item.owner or '',
                 tags=frozenset(item.tags or ()), checksum=item.hash_value or item.checksum,
                 size=int(item.size or 0), min_disk=int(item.min_disk or 0),
                 min_ram=int(item.min_ram or 0))
