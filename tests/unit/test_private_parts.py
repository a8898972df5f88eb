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
"""Private parts of libraries that Trove uses, so that a new version that lacks one fails here.

requirements.txt bounds the versions of these libraries from above. Raise a bound after this test
passes with the new version.
"""

import ast
import importlib
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

#: (module, name in it) -> why it is used
PARTS = {
    ('oslo_messaging._drivers.amqpdriver', 'RpcAMQPListener'): 'listens on one queue per server',
    ('oslo_messaging._drivers.base', 'PollStyleListenerAdapter'): 'same',
    ('oslo_messaging._drivers.common', 'PURPOSE_LISTEN'): 'kinds of connections in the pool',
    ('oslo_messaging._drivers.common', 'PURPOSE_SEND'): 'same',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection'): 'base of our connections',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection._ensure_publishing'): 'publishes',
    ('oslo_messaging._drivers.impl_rabbit',
     'Connection._publish_and_raises_on_missing_exchange'): 'does not declare an exchange',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.declare_consumer'): 'own consumers',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.direct_send'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.topic_send'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.fanout_send'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.declare_topic_consumer'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.declare_direct_consumer'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'Connection.ensure'): 'retries on own channels',
    ('oslo_messaging._drivers.impl_rabbit', 'Consumer.declare'): 'overridden: declares less',
    ('oslo_messaging._drivers.impl_rabbit', 'Consumer._callback'): 'sees the raw message',
    ('oslo_messaging._drivers.impl_rabbit', 'RabbitDriver'): 'base of our drivers',
    ('oslo_messaging._drivers.impl_rabbit', 'RabbitDriver._get_connection'): 'limits retries',
    ('oslo_messaging._drivers.impl_rabbit', 'RabbitDriver._get_exchange'): 'exchange of a target',
    ('oslo_messaging._drivers.impl_rabbit', 'RabbitDriver.listen'): 'overridden',
    ('oslo_messaging._drivers.impl_rabbit', 'RabbitMessage.acknowledge'): 'drops a message',
    ('oslo_messaging._drivers.impl_rabbit', 'rpc_amqp.amqp_opts'): 'own default: durable queues',
    ('oslo_messaging._metrics.client', 'oslo_messaging_metrics'): 'options of a private ConfigOpts',
    ('oslo_messaging._tracing.client', 'oslo_messaging_tracing'): 'same',
    ('oslo_messaging.transport', '_transport_opts'): 'same',
    ('oslo_messaging.transport', 'RPCTransport'): 'transport over our drivers',
    ('openstack.block_storage.v3._proxy', 'Proxy'): 'type of the client',
    ('openstack.image.v2._proxy', 'Proxy'): 'same',
    ('openstack.network.v2._proxy', 'Proxy'): 'same',
    ('openstack.object_store.v1._proxy', 'Proxy'): 'same',
    ('sqlalchemy.pool', 'reset_none'): 'no ROLLBACK after a COMMIT',
}

#: (module, attributes that a library's object gets in its constructor)
ATTRIBUTES = [
    ('oslo_messaging._drivers.impl_rabbit', ('_connection_lock', '_poll_timeout', '_raw_message',
                                             'rabbit_transient_queues_ttl')),
    ('oslo_messaging._drivers.amqpdriver', ('_connection_pool',)),
    ('oslo_messaging.transport', ('_driver',)),
    ('sqlalchemy.pool.base', ('_pre_ping', '_reset_on_return')),
]


@pytest.mark.parametrize('module, name', sorted(PARTS))
def test_private_part_exists(module, name):
    """The installed version has the part."""
    found = importlib.import_module(module)
    for part in name.split('.'):
        found = getattr(found, part)


@pytest.mark.parametrize('module, names', ATTRIBUTES)
def test_private_attribute_is_set(module, names):
    """The library's code sets or reads the attribute."""
    text = pathlib.Path(importlib.import_module(module).__file__).read_text()
    for name in names:
        assert re.search(rf'\b{name}\b', text), name


def test_every_private_module_that_is_imported_is_listed():
    """A module with a leading underscore in its path is named in PARTS."""
    used = set()
    for path in sorted((REPOSITORY / 'trove').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {f'{node.module}.{alias.name}' for alias in node.names}
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            else:
                continue
            used |= {name for name in names if '._' in name and not name.startswith('trove.')}
    assert used and used <= {module for module, _name in PARTS}


@pytest.mark.parametrize('library', [
    'amqp', 'kombu', 'openstacksdk', 'oslo.messaging', 'SQLAlchemy'])
def test_version_is_bounded_from_above(library):
    """A library with private parts in use has an upper bound."""
    text = (REPOSITORY / 'requirements.txt').read_text()
    assert re.search(rf'^{re.escape(library)}>=[\d.]+,<[\d.]+ ', text, re.MULTILINE)
