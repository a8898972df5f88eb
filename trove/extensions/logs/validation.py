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

"""Check of the object store, where logs are stored in the account of the project."""

from typing import Any

from oslo_config import cfg

from trove.cloud import clouds
from trove.common import exception
from trove.db.rows import InstanceRow

CONF = cfg.CONF


def require_object_store(row: InstanceRow) -> None:
    """Refuse if the catalog of the service has no object store; no request is sent.

    :raises trove.common.exception.ObjectStoreMissing: no object store exists.
    """
    clouds.service_cloud(CONF, row.region_id).objects_endpoint()


def check_account(context: Any, row: InstanceRow) -> None:
    """Refuse a caller without access to the account of the log.

    For an administrator, the service uses the account of the instance's project.

    :raises trove.common.exception.ObjectStoreMissing: no object store exists.
    :raises trove.common.exception.CloudRefused: the store refuses the token.
    :raises trove.common.exception.ObjectStoreFailed: the store failed or does not respond.
    """
    own = row.tenant_id == context.project_id
    cloud = clouds.user_cloud(CONF, context, row.region_id) if own else clouds.service_cloud(
        CONF, row.region_id)
    try:
        cloud.objects(row.tenant_id).check()
    except (exception.ObjectStoreMissing, exception.CloudRefused):
        raise
    except exception.CloudError as error:
        raise exception.ObjectStoreFailed(error.message, detail=error.detail) from error
