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

import dataclasses

from trove.guestagent.datastore.engine import Place
from trove.guestagent.datastore.redis.engine import Redis, Valkey


def test_valkey_is_the_same_under_other_names():
    redis, valkey = Redis().description, Valkey().description
    assert (valkey.manager, valkey.unit, valkey.os_user) == ('valkey', 'valkey-server', 'valkey')
    assert (valkey.mount_point, valkey.configuration_directory) == ('/var/lib/valkey',
                                                                    '/etc/valkey/trove')
    assert valkey.packages == ('valkey-server', 'valkey-tools')
    differ = {field.name for field in dataclasses.fields(redis)
              if getattr(redis, field.name) != getattr(valkey, field.name)}
    assert differ == {
        'manager', 'packages', 'unit', 'os_user', 'os_group', 'mount_point',
        'configuration_directory'
    }
    place = Place('/data', '/data/data', '/data/trove')
    options, same = Valkey().system_options(place), Redis().system_options(place)
    assert options.pop('unixsocket') == '/run/valkey/valkey.sock' and same.pop(
        'unixsocket') == '/run/redis/redis.sock'
    assert options == same
