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

"""Whether a backup that lies in the object store already can be registered, as the user sees the store."""

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

#: Metadata that an increment has.
_PARENT = 'parent-location'


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found: where, the check sum of the store, the local version, and GB as the user says."""

    location: str
    checksum: str
    is_increment: bool
    version: Row
    size: float


def check(context: Any, asked: Mapping[str, Any]) -> Found:
    """Look the object up with the user's token, which is sent nowhere but to the user's own account.

    :param asked: ``remote_location``, ``local_datastore_version_id`` and ``size`` of the request.
    :raises trove.common.exception.BadRequest: unknown version, or the object cannot be read.
    :raises trove.common.exception.Unauthorized: the store does not let the user in.
    :raises trove.common.exception.NotFound: there is no object store.
    :raises trove.common.exception.ObjectStoreFailed: the store does not answer.
    """
    version = session.read(datastore_models.version_by_id, asked['local_datastore_version_id'])
    location = asked['remote_location']
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
        # Who may not use the account is told so, whatever the object.
        store.check()
        found = store.head(container, name)
    except exception.CloudNotFound:
        raise exception.BadRequest(f'{place} cannot be read: there is no such object.') from None
    except exception.CloudRefused:
        raise
    except exception.CloudError as error:
        raise exception.ObjectStoreFailed(error.message, detail=error.detail) from error
    return Found(location=location, checksum=found.etag, is_increment=_PARENT in found.metadata,
                 version=version, size=float(asked['size']))
