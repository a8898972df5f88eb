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

"""Figures of the kernel about the agent and its machine."""

from trove.guestagent.system import diagnostics

STATUS = '''Name:\ttrove-guest
FDSize:\t64
VmPeak:\t  60000 kB
VmSize:\t  59000 kB
VmHWM:\t   30000 kB
VmRSS:\t   29000 kB
Threads:\t7
Cpus_allowed:\tff
'''


def test_a_process(tmp_path):
    path = tmp_path / 'status'
    path.write_text(STATUS)
    assert diagnostics.process(str(path)) == {
        'threads': 7,
        'fdSize': 64,
        'vmSize': 59000,
        'vmPeak': 60000,
        'vmRss': 29000,
        'vmHwm': 30000
    }


def test_missing_figures_are_zero(tmp_path):
    path = tmp_path / 'status'
    path.write_text('Name:\tx\n')
    assert set(diagnostics.process(str(path)).values()) == {0}


def test_a_machine(tmp_path):
    path = tmp_path / 'meminfo'
    path.write_text('MemTotal:       24689876 kB\nMemFree: 1 kB\n')
    found = diagnostics.hardware(str(path))
    assert found['mem_total'] == 24689876 and found['num_cpus'] >= 1


def test_this_very_process():
    assert diagnostics.process()['vmRss'] > 1000 and diagnostics.hardware()['mem_total'] > 1000
