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

"""Types of rows: the columns of the SELECTs of this package, for mypy.

SQLAlchemy types a row as ``Any``. A unit test compares each type with the columns of its statement.
"""

from datetime import datetime
from typing import Protocol


class InstanceRow(Protocol):
    """Row of :data:`trove.db.instances.COLUMNS`.

    Columns of the datastore and its version are NULL only after the deletion of the instance.
    """

    id: str
    created: datetime
    updated: datetime
    name: str
    hostname: str | None
    tenant_id: str
    user_id: str | None
    region_id: str | None
    availability_zone: str | None
    compute_instance_id: str | None
    server_status: str | None
    server_group_id: str | None
    image_id: str | None
    flavor_id: str
    ram: int
    vcpus: int
    volume_support: bool
    volume_id: str | None
    volume_size: int | None
    volume_type: str | None
    datastore_version_id: str | None
    desired_version_id: str | None
    configuration_id: str | None
    slave_of_id: str | None
    cluster_id: str | None
    shard_id: str | None
    type: str | None
    locality: str | None
    encrypted_key: str | None
    boot_epoch: int
    server_id_number: int
    access: str | None
    security_group_id: str | None
    error_code: str | None
    drift: str | None
    configuration_digest: str | None
    restart_required: bool
    deletion_protection: bool
    ssl_mode: str | None
    ssl_ref: str | None
    deleted: bool
    deleted_at: datetime | None
    version_name: str
    version_number: str | None
    manager: str
    version_image_tags: str | None
    desired_version_name: str | None
    datastore_name: str
    datastore_id: str
    service_status: str
    service_reason: str | None
    service_status_updated: datetime | None
    unreachable_since: datetime | None
    boot_id: str | None
    agent_version: str | None
    volume_total: int | None
    volume_used: int | None
    engine_version: str | None
    operation_id: str | None
    operation_kind: str | None
    cancel_wanted: bool | None
    fault_message: str | None
    fault_created: datetime | None
    fault_details: str | None
    configuration_name: str | None
    backup_running: bool
    has_replicas: bool


class FullInstanceRow(InstanceRow, Protocol):
    """Row of :func:`trove.db.instances.get`."""

    service_facts: str | None


class OperationRow(Protocol):
    """Row of ``operations``."""

    id: str
    project_id: str | None
    resource_type: str
    resource_id: str
    parent_id: str | None
    kind: str
    flow_version: int
    steps: str
    state: str
    position: int
    attempt: int
    failures: int
    args: str
    secrets: str | None
    facts: str
    active: int | None
    owner: str | None
    claim: int
    lease_until: datetime | None
    due_at: datetime
    nudged_at: datetime | None
    waiting_since: datetime | None
    deadline: datetime
    cancel_wanted: bool
    successor: str | None
    error_code: str | None
    error_text: str | None
    error_detail: str | None
    request_id: str | None
    actor: str | None
    client_address: str | None
    created: datetime
    updated: datetime
    started: datetime | None
    finished: datetime | None


class OperationStepRow(Protocol):
    """Row of ``operation_steps``."""

    operation_id: str
    seq: int
    name: str
    attempt: int
    outcome: str | None
    started: datetime
    ended: datetime | None
    runs: int
    busy_ms: int
    late_ms: int
    note: str | None


class EventRow(Protocol):
    """Row of ``events``."""

    seq: int
    id: str
    resource_type: str
    resource_id: str
    project_id: str | None
    operation_id: str | None
    time: datetime
    type: str
    text: str
    actor: str | None
    request_id: str | None
