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

import pathlib

import pytest
from control import checks, down
from control.sandbox import Sandbox
from control.settings import Settings


def sandbox(directory):
    return Sandbox(Settings(directory=directory, repository=pathlib.Path('/repository')))


@pytest.mark.parametrize('there',
                         (('etc', 'run', 'bin', 'home'), ('etc', 'run', 'local'),
                          ('run', 'lib', 'log'), ('secrets', 'etc', '.ssh'),
                          ('secrets', 'data', 'thesis.odt'), ('etc',), ('data',), ('thesis.odt',)))
def test_a_directory_with_more_than_a_sandbox_is_never_removed(tmp_path, there):
    """The directories / and /var have entries with the same names as a sandbox."""
    for name in there:
        (tmp_path / name).mkdir()
    [problem] = down.remove(sandbox(tmp_path))
    assert str(tmp_path) in problem
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(there)


@pytest.mark.parametrize('there', ((), ('.lock',), ('secrets',), ('venv', 'logs', '.lock'),
                                   ('.lock', '.cache', '.novaclient', 'data', 'etc', 'images',
                                    'logs', 'minicloud', 'run', 'secrets', 'venv')))
def test_a_sandbox_is_removed_with_all_that_is_in_it(tmp_path, there):
    directory = tmp_path / 'sandbox'
    directory.mkdir()
    for name in there:
        (directory / name).mkdir()
    assert down.remove(sandbox(directory)) == []
    assert not directory.exists()


@pytest.mark.parametrize(
    'there,refused', (((), False), (('.lock',), False), (('secrets', 'etc'), False),
                      (('venv', 'logs'), False), (('etc', 'bin'), True), (('thesis.odt',), True)))
def test_a_foreign_directory_does_not_become_a_sandbox(tmp_path, there, refused):
    for name in there:
        (tmp_path / name).mkdir()
    assert bool(checks.belongs_to_others(tmp_path)) == refused
