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

import os
import stat

import pytest

from trove.guestagent.system import files


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    path = str(tmp_path / 'file')
    files.write(path, 'first', mode=0o640)
    files.write(path, 'second', mode=0o600)
    assert files.read(path) == 'second'
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path) == ['file']


def test_a_failed_write_leaves_the_old_text_and_no_rubbish(tmp_path):
    path = str(tmp_path / 'file')
    files.write(path, 'first')
    with pytest.raises(KeyError):
        files.write(path, 'second', user='nobody-of-this-name')
    assert files.read(path) == 'first' and os.listdir(tmp_path) == ['file']


def test_only_a_change_is_written(tmp_path):
    path = str(tmp_path / 'file')
    assert files.write_if_changed(path, 'text')
    assert not files.write_if_changed(path, 'text')


@pytest.mark.parametrize('content', [None, '', 'no json', '[1]'])
def test_an_unreadable_object_is_empty(tmp_path, content):
    path = tmp_path / 'state.json'
    if content is not None:
        path.write_text(content)
    assert files.read_json(str(path)) == {}


def test_objects_are_for_root_only(tmp_path):
    path = str(tmp_path / 'state.json')
    files.write_json(path, {'a': 1})
    assert files.read_json(path) == {'a': 1}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_remove_twice(tmp_path):
    path = tmp_path / 'file'
    path.touch()
    files.remove(str(path))
    files.remove(str(path))
    assert not path.exists()
