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

from control import processes

#: /proc/PID/stat of a process with a name of all allowed characters.
STAT = '4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3'


def test_the_start_time_is_found_behind_any_name():
    assert processes.parse_start_time(STAT) == 987654


def test_a_zombie_does_not_run():
    assert processes.parse_start_time(STAT.replace(') S', ') Z')) is None


def test_a_record_with_a_reused_pid_is_ignored(tmp_path):
    record = processes.Record(tmp_path / 'service.pid')
    own = processes.start_time(1)
    record.write(processes.Process(1, own))
    assert record.read() == processes.Process(1, own)
    record.write(processes.Process(1, own + 1))
    assert record.read() is None
    record.forget()
    assert record.read() is None


def test_a_broken_record_is_ignored(tmp_path):
    (tmp_path / 'service.pid').write_text('{"pid": ')
    assert processes.Record(tmp_path / 'service.pid').read() is None
