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

"""Check of the image of a datastore version, with the credentials of the service."""

from collections.abc import Sequence

from oslo_config import cfg

from trove.cloud import clouds
from trove.common import exception

CONF = cfg.CONF


def check_image(image_id: str | None, tags: Sequence[str]) -> None:
    """Refuse an image that does not exist.

    :param image_id: id of the image; None if the image is found by its tags.
    :raises trove.common.exception.BadRequest: no such image, or none with all the tags.
    """
    cloud = clouds.service_cloud(CONF)
    if image_id is not None:
        try:
            cloud.image.get_image(image_id)
        except exception.CloudNotFound:
            raise exception.BadRequest(f'Image {image_id} cannot be found.') from None
    elif cloud.image.find_by_tags(tags, owner=cloud.project_id) is None:
        raise exception.BadRequest(
            f"No image of the service's project has the tags {', '.join(tags)}.")
