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

from trove.guestagent.datastore.prepare import unit_drop_in
from trove.guestagent.datastore.lifecycle import error_excerpt


def test_the_unit_waits_for_its_volume():
    text = unit_drop_in('/var/lib/mysql', True, ('LimitNOFILE=65536',), '/var/lib/trove-guest')
    assert text.splitlines() == [
        '[Unit]', 'RequiresMountsFor=/var/lib/mysql', 'ConditionPathIsMountPoint=/var/lib/mysql',
        '', '[Service]', 'NoNewPrivileges=yes',
        'InaccessiblePaths=-/etc/trove -/var/lib/trove-guest', 'LimitNOFILE=65536'
    ]


def test_without_a_volume_no_mount_is_required():
    assert 'ConditionPathIsMountPoint' not in unit_drop_in('/var/lib/mysql', False, (), '/s')


def test_excerpt_has_the_errors():
    lines = [
        '[Note] starting', '[ERROR] port taken', '[ERROR] aborting', '[ERROR] third', '[Note] bye'
    ]
    assert error_excerpt(lines) == ' Log: [ERROR] port taken Log: [ERROR] aborting'
    assert error_excerpt(['one', 'two']) == ' Log: two'
    assert error_excerpt([]) == ''
