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


def test_a_directory_that_is_a_link_is_not_given_away(tmp_path):
    (tmp_path / 'mine').mkdir(mode=0o700)
    (tmp_path / 'link').symlink_to(tmp_path / 'mine')
    with pytest.raises(OSError):
        files.directory(str(tmp_path / 'link'), mode=0o777)
    assert (tmp_path / 'mine').stat().st_mode & 0o777 == 0o700


def test_a_file_is_moved_aside_only_in_a_directory_of_its_owner(tmp_path):
    path = tmp_path / 'logs' / 'a.log'
    path.parent.mkdir()
    path.write_text('new')
    path.with_name('a.log.1').write_text('former')
    with pytest.raises(PermissionError):
        files.move_aside(str(path), '.1', os.geteuid() + 1)
    files.move_aside(str(path), '.1', os.geteuid())
    assert not path.exists() and path.with_name('a.log.1').read_text() == 'new'
    (tmp_path / 'link').symlink_to(tmp_path / 'logs')
    with pytest.raises(OSError):
        files.move_aside(str(tmp_path / 'link' / 'a.log.1'), '.2', os.geteuid())
