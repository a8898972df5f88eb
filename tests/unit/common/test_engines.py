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
"""Descriptions of engines for the control plane agree with those of the guests."""

import dataclasses
import pathlib
import re

import pytest

from trove.common import engines
from trove.guestagent import dbaas

ROOT = pathlib.Path(__file__).parents[3]
MANAGERS = sorted(dbaas.ENGINES)


@pytest.mark.parametrize('manager', MANAGERS)
def test_control_plane_and_guest_agree(manager):
    known, described = engines.of(manager), dbaas.engine_for(manager).description
    assert known.manager == described.manager == manager
    assert known.capabilities == described.capabilities
    assert {int(port) for port in known.tcp_ports} == set(described.ports)
    assert known.mount_point == described.mount_point
    assert known.reserved_users == described.reserved_users
    assert set(known.reserved_user_prefixes) == set(described.reserved_user_prefixes)
    assert set(known.ignore_users) <= described.reserved_users
    assert set(known.ignore_dbs) | known.reserved_databases == described.reserved_databases
    assert set(known.exposed_logs) <= {log.name for log in described.logs}
    assert known.hosts == described.has_hosts


def test_one_without_a_description_can_do_nothing():
    assert engines.of('unheard-of').capabilities == frozenset()
    assert engines.of(None).capabilities == frozenset()


def test_a_key_that_means_nothing_is_noticed(tmp_path):
    path = tmp_path / 'made-up' / engines.FILE
    path.parent.mkdir()
    path.write_text('{"capability": ["root"]}')
    with pytest.raises(TypeError, match='capability'):
        engines.read(path)


def test_a_short_description_is_enough(tmp_path):
    path = tmp_path / 'made-up' / engines.FILE
    path.parent.mkdir()
    path.write_text('{"tcp_ports": ["1"], "capabilities": ["root"]}')
    made = engines.read(path)
    assert made == dataclasses.replace(engines.Engine(), manager='made-up', tcp_ports=('1',),
                                       capabilities=frozenset({engines.ROOT}))


def test_nothing_but_data_knows_an_engine_by_name():
    """Modules of the control plane, and those of the guest that serve all engines."""
    words = re.compile(r"""['"](mariadb|mysql|postgresql|postgres|redis|valkey)['"]""")
    # Databases of the service itself; defaults of an option that maps such names; the engines.
    apart = ('trove/db/', 'trove/cmd/api.py', 'trove/common/cfg/notifications.py',
             'trove/guestagent/datastore/', 'trove/guestagent/dbaas.py')
    found = [
        f'{path.relative_to(ROOT)}: {line.strip()}' for path in sorted((ROOT /
                                                                        'trove').rglob('*.py'))
        if not str(path.relative_to(ROOT)).startswith(apart)
        for line in path.read_text().splitlines() if words.search(line)
    ]
    assert found == []
    for path in sorted((ROOT / 'trove' / 'guestagent' / 'datastore').glob('*.py')):
        assert not words.search(path.read_text()), path
