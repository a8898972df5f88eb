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

"""Limits of projects: the services' defaults, the operator's, a project's own."""

from collections.abc import Mapping

from minicloud.state import Transaction

#: Default limit of each resource; -1 is unlimited.
BUILT_IN: dict[str, dict[str, int]] = {
    'compute': {
        'instances': 10, 'cores': 20, 'ram': 51200, 'metadata_items': 128, 'key_pairs': 100,
        'server_groups': 10, 'server_group_members': 10, 'injected_files': 5,
        'injected_file_content_bytes': 10240, 'injected_file_path_bytes': 255},
    'network': {
        'network': 100, 'subnet': 100, 'port': 500, 'router': 10, 'floatingip': 50,
        'security_group': 10, 'security_group_rule': 100, 'subnetpool': -1, 'rbac_policy': 10},
    'volume': {
        'volumes': 10, 'snapshots': 10, 'gigabytes': 1000, 'backups': 10,
        'backup_gigabytes': 1000, 'per_volume_gigabytes': -1, 'groups': 10},
}


def defaults(tx: Transaction, service: str) -> dict[str, int]:
    """Return the limits of projects without limits of their own."""
    record = tx.get('quota_default', service) or {}
    return {**BUILT_IN[service], **record.get('limits', {})}


def limits(tx: Transaction, service: str, project_id: str) -> dict[str, int]:
    """Return the limits of the project."""
    record = tx.get('quota', f'{service}:{project_id}') or {}
    return {**defaults(tx, service), **record.get('limits', {})}


def store(tx: Transaction, service: str, project_id: str, changes: Mapping[str, int]) -> None:
    """Store limits of the project, in addition to its present ones."""
    id = f'{service}:{project_id}'
    record = tx.get('quota', id) or {'id': id, 'limits': {}}
    tx.put('quota', {**record, 'limits': {**record['limits'], **changes}})


def store_defaults(tx: Transaction, service: str, changes: Mapping[str, int]) -> None:
    """Change the limits of projects without limits of their own."""
    record = tx.get('quota_default', service) or {'id': service, 'limits': {}}
    tx.put('quota_default', {**record, 'limits': {**record['limits'], **changes}})


def reset(tx: Transaction, service: str, project_id: str) -> None:
    """Remove the project's own limits."""
    tx.remove('quota', f'{service}:{project_id}')


def exceeded(limit: Mapping[str, int], used: Mapping[str, int], requested: Mapping[str, int]
             ) -> list[str]:
    """Return the resources that the request would exceed, sorted."""
    return sorted(name for name, amount in requested.items()
                  if amount > 0 and 0 <= limit[name] < used[name] + amount)
