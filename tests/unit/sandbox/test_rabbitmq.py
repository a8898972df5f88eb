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

import base64
import hashlib

from control import rabbitmq, secretstore


def test_the_hash_of_a_broker_password_is_the_brokers():
    salt = b'\x90\x8d\xc6\x0a'
    value = base64.b64decode(rabbitmq.password_hash('test12', salt))
    assert value[:4] == salt
    # The example of RabbitMQ's documentation.
    assert rabbitmq.password_hash('test12',
                                  salt) == 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR'
    assert value[4:] == hashlib.sha256(salt + b'test12').digest()


def test_guests_and_control_plane_have_a_bus_each(tmp_path):
    made = rabbitmq.definitions(secretstore.SecretStore(tmp_path))
    permissions = {(entry['user'], entry['vhost']) for entry in made['permissions']}
    assert (rabbitmq.CONTROL_USER, rabbitmq.GUEST_VHOST) not in permissions
    assert (rabbitmq.GUEST_BUS_USER, rabbitmq.CONTROL_VHOST) not in permissions
    assert not any(secret.read_text() in str(made) for secret in tmp_path.iterdir())
