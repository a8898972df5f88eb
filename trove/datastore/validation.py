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

"""Whether the image of a datastore version is there. Images are the operator's: the service's credentials ask."""

from collections.abc import Sequence

from oslo_config import cfg

from trove.cloud import clouds
from trove.common import exception

CONF = cfg.CONF


def check_image(image_id: str | None, tags: Sequence[str]) -> None:
    """:param image_id: as it will be stored; None when tags decide.

    :raises trove.common.exception.BadRequest: there is neither the image nor, where it was not named, one with all
        the tags.
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
