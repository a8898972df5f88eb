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

from trove.guestagent.datastore.engine import EngineUnavailable, LockedOut, Place
from trove.guestagent.datastore.redis import connection
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
    told, same = Valkey().system_options(place), Redis().system_options(place)
    assert told.pop('unixsocket') == '/run/valkey/valkey.sock' and same.pop(
        'unixsocket') == '/run/redis/redis.sock'
    assert told == same


def test_what_the_server_says_is_told_apart():
    assert isinstance(connection.refusal('WRONGPASS invalid username-password pair'), LockedOut)
    assert isinstance(connection.refusal('NOPERM this user has no permissions'), LockedOut)
    for said in ('LOADING Redis is loading the dataset in memory',
                 'BUSY Redis is busy running a script',
                 'MISCONF Errors writing to the AOF file: No space left on device',
                 'ERR max number of clients reached'):
        busy = connection.refusal(said)
        assert isinstance(busy,
                          EngineUnavailable) and busy.answering and not isinstance(busy, LockedOut)
        assert said in busy.message
    other = connection.refusal(f'ERR Error in ACL SETUSER modifier "#{"ab" * 32}"')
    assert not isinstance(other, EngineUnavailable) and 'abab' not in other.message


def test_bytes_that_are_no_text_survive():
    assert connection.encoded(connection.decoded(b'a\xff\xc3\xbc')) == b'a\xff\xc3\xbc'
