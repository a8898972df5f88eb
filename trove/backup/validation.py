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

"""Check of a backup in the object store that a user registers, with the user's token."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.cloud import clouds
from trove.common import exception
from trove.datastore import models as datastore_models
from trove.db import session
from trove.db.session import Row

CONF = cfg.CONF

#: Metadata of an increment.
_PARENT = 'parent-location'


@dataclasses.dataclass(frozen=True)
class Found:
    """Backup in the store: location, check sum, version of the datastore here, and requested GB."""

    location: str
    checksum: str
    is_increment: bool
    version: Row
    size: float


def check(context: Any, requested: Mapping[str, Any]) -> Found:
    """Look up the object with the user's token, which is sent to the user's own account only.

    :param requested: ``remote_location``, ``local_datastore_version_id`` and ``size``.
    :raises trove.common.exception.BadRequest: the version is unknown, or the object cannot be
        read.
    :raises trove.common.exception.Unauthorized: the store refuses the user.
    :raises trove.common.exception.NotFound: no object store exists.
    :raises trove.common.exception.ObjectStoreFailed: the store failed or does not respond.
    """
    version = session.read(datastore_models.version_by_id, requested['local_datastore_version_id'])
    location = requested['remote_location']
    try:
        store = clouds.user_cloud(CONF, context).objects(context.project_id)
    except exception.ObjectStoreMissing as missing:
        raise exception.NotFound(
            'No object store can be found to read the backup from.') from missing
    place = "backup['restore_from']['remote_location']"
    container, _, name = location.removeprefix(f'{store.url}/').partition('/')
    if not location.startswith(f'{store.url}/') or not container or not name:
        raise exception.BadRequest(
            f'{place} cannot be read: it must be the URL of an object below {store.url}/.')
    try:
        # A user without access to the account gets this failure, whatever the object.
        store.check()
        found = store.head(container, name)
    except exception.CloudNotFound:
        raise exception.BadRequest(f'{place} cannot be read: there is no such object.') from None
    except exception.CloudRefused:
        raise
    except exception.CloudError as error:
        raise exception.ObjectStoreFailed(error.message, detail=error.detail) from error
    return Found(location=location, checksum=found.etag, is_increment=_PARENT in found.metadata,
                 version=version, size=float(requested['size']))
