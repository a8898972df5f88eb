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

import pytest
from control import checks

LISTENING = ('   0: 0100007F:491E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 '
             '       0 4242 1 0 100 0')
CONNECTED = LISTENING.replace(' 0A ', ' 01 ').replace('4242', '4343')


@pytest.mark.parametrize(('lines', 'port', 'found'), [([LISTENING, CONNECTED], 0x491e, {'4242'}),
                                                      ([LISTENING], 80, set()),
                                                      ([CONNECTED], 0x491e, set()),
                                                      ([''], 80, set())])
def test_a_listening_socket_is_found_by_inode(lines, port, found):
    assert checks.listening_inodes(lines, port) == found


@pytest.mark.parametrize(('destination', 'mask', 'meets'), [
    ('000018AC', '00FFFFFF', True),    # 172.24.0.0/24
    ('000010AC', '0000F0FF', True),    # 172.16.0.0/12 contains it
    ('800018AC', '80FFFFFF', True),    # 172.24.0.128/25 is in it
    ('000118AC', '00FFFFFF', False),   # 172.24.1.0/24
    ('0000000A', '000000FF', False)])  # 10.0.0.0/8
def test_overlapping_networks(destination, mask, meets):
    assert checks.overlaps(destination, mask, 0xac180000, 0xffffff00) is meets


@pytest.mark.parametrize(('limit', 'used', 'refused'), [(128, 104, False), (128, 105, True),
                                                        (8192, 200, False), (20, 0, True)])
def test_too_few_inotify_instances_are_refused(limit, used, refused):
    reasons = checks.inotify_shortage(limit, used)
    assert bool(reasons) is refused
    assert all('fs.inotify.max_user_instances=' in reason for reason in reasons)


def test_inotify_instances_are_counted():
    assert checks.inotify_instances() >= 0
