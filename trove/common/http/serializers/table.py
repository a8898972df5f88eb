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

"""Table of the XML format: keys that are attributes, and names of the items of lists.

The rest follows from the layout of the body, so no resource has XML code of its own.
"""

NAMESPACE = 'http://docs.openstack.org/database/api/v1.0'

#: Every key.
ALL = frozenset({'*'})

#: element -> keys that are its attributes if their value is a scalar; other keys are child elements
ATTRIBUTES: dict[str, frozenset[str]] = {
    'instance': frozenset({
        'id', 'name', 'status', 'hostname', 'created', 'updated', 'host', 'server_id', 'local_id',
        'task_description', 'deleted', 'deleted_at', 'tenant_id'
    }),
    'volume': frozenset({'size', 'used', 'id'}),
    'flavor': frozenset({'id', 'name', 'ram'}),
    'link': frozenset({'href', 'rel'}),
    'configuration': frozenset({'id', 'name', 'description', 'datastore_version_id'}),
    'database': frozenset({'name'}),
    'user': frozenset({'name', 'password', 'host'}),
    'account': frozenset({'id', 'num_instances'}),
    'security_group': frozenset({'id', 'name', 'description', 'user', 'tenant_id'}),
    'security_group_rule': frozenset({'id', 'group_id', 'protocol', 'from_port', 'to_port',
                                      'cidr'}),
    'security_group_instance_association': frozenset({'id', 'security_group_id', 'instance_id'}),
    'host': frozenset({'instanceCount', 'name', 'usedRAM', 'totalRAM', 'percentUsed'}),
    'capacity': frozenset({'available', 'total'}),
    'provision': frozenset({'available', 'total', 'percent'}),
    'device': frozenset({'used', 'name', 'type'}),
    'quotas': frozenset({'instances', 'volumes', 'backups'}),
    'guest_status': frozenset({'state_description'}),
    'diagnostics': ALL,
    'root_history': frozenset({'enabled', 'id', 'user'}),
    'version': frozenset({'id', 'status', 'updated'}),
    # Error of the token check.
    'error': frozenset({'code'}),
}

#: Attributes of every fault.
FAULT_ATTRIBUTES = frozenset({'code'})
#: Attributes of the fault of the rate limiter, the only fault with the namespace.
RATE_FAULT_ATTRIBUTES = frozenset({'code', 'retryAfter'})

#: Elements that are always lists, also with one item or none.
ALWAYS_LISTS = frozenset({'databases', 'users'})

#: Name of the items of a list without a plural name.
ITEM = 'item'
#: Attribute of such an element with a key that cannot be the name of an element.
ITEM_KEY = 'key'


def is_attribute(element: str, key: str) -> bool:
    known = ATTRIBUTES.get(element, frozenset())
    return key in known or known is ALL


def item_name(list_name: str) -> str:
    """Return the name of the items of a list: the name of the list without the trailing s."""
    return list_name[:-1] if list_name.endswith('s') and len(list_name) > 1 else ITEM
