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
"""Names of a sandbox's objects on the host."""

import uuid

import pytest

from minicloud.machines.layout import Layout, prefix_of
from minicloud.machines.records import Card, Disk, Machine, read_json, write_json


def test_sandboxes_have_names_of_their_own():
    one, two = Layout.of('/srv/one'), Layout.of('/srv/two')
    assert one.prefix != two.prefix and one.prefix == prefix_of('/srv/../srv/one/')
    machine = str(uuid.uuid4())
    assert one.machine_name(machine) != two.machine_name(machine)
    assert one.tap(machine) != two.tap(machine)


@pytest.mark.parametrize('identity', ['4fa8bddb-bf08-4da0-b7f9-7269591f9c72', 'not-a-uuid', ''])
def test_interfaces_fit_the_kernel(identity):
    layout = Layout.of('/srv/one')
    for name in (layout.tap(identity), layout.bridge(identity)):
        assert len(name) == 15 and name.startswith(layout.prefix)
    assert layout.tap(identity) != layout.bridge(identity)


def test_records_are_read_as_written(tmp_path):
    machine = Machine('i', 'n', '/image', 1, 512,
                      [Card('p', 'eth0', 't', 'm', 'n', [['a', 24, None, []]])],
                      [Disk('v', '/dev/vdb', 's')], created=True)
    write_json(tmp_path / 'm.json', machine.to_json())
    assert Machine.from_json(read_json(tmp_path / 'm.json')) == machine
    assert [path.name for path in tmp_path.iterdir()] == ['m.json']
    assert machine.card('p').name == 'eth0' and machine.card('q') is None
    assert machine.disk('v').device == '/dev/vdb' and machine.disk('w') is None
    assert read_json(tmp_path / 'none.json') is None


def test_a_late_record_does_not_bring_a_removed_machine_back(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_json(tmp_path / 'gone/m.json', {})
    assert not (tmp_path / 'gone').exists()
