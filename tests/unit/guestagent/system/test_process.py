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

from trove.guestagent.system.process import ProcessFailed, append, run


def test_output_and_input():
    assert run(['cat'], timeout=10, stdin='through stdin').output == 'through stdin'


def test_the_environment_is_not_inherited(monkeypatch):
    monkeypatch.setenv('SECRET', 'canary')
    assert 'canary' not in run(['env'], timeout=10).output


def test_statuses_that_are_answers():
    assert run(['sh', '-c', 'exit 2'], timeout=10, allowed=(0, 2)).status == 2


def test_failure_contains_the_errors_of_the_program():
    with pytest.raises(ProcessFailed, match='sh ended with status 3: no luck') as failure:
        run(['sh', '-c', 'echo no luck >&2; exit 3'], timeout=10)
    assert failure.value.status == 3


def test_a_program_that_takes_too_long_is_ended():
    with pytest.raises(ProcessFailed, match='did not end in time') as failure:
        run(['sleep', '60'], timeout=0.1)
    assert failure.value.status is None


def test_a_missing_program_fails():
    with pytest.raises(ProcessFailed, match='No such file'):
        run(['no-such-program'], timeout=1)


def test_output_is_appended_to_a_file(tmp_path):
    path = tmp_path / 'output'
    for word in ('one', 'two'):
        append(['echo', word], str(path), timeout=5)
    assert path.read_text() == 'one\ntwo\n'
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_append_contains_the_reason(tmp_path):
    with pytest.raises(ProcessFailed, match='No such file'):
        append(['cat', str(tmp_path / 'nothing')], str(tmp_path / 'output'), timeout=5)


def test_nothing_is_appended_through_a_link(tmp_path):
    (tmp_path / 'output').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(OSError):
        append(['echo', 'x'], str(tmp_path / 'output'), timeout=5)
