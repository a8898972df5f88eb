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

import threading

import pytest
from minicloud.hypervisor import HypervisorError
from minicloud.machines.images import Images


def recipe(tmp_path, script, **environment):
    return {
        'command': ['sh', '-c', script],
        'environment': environment,
        'log': str(tmp_path / 'logs' / 'build.log')
    }


def test_an_image_is_made_once_for_all_who_wait_for_it(tmp_path):
    tree = tmp_path / 'rootfs'
    script = f'echo "begun $WHO"; echo x >>{tmp_path}/count; mkdir -p {tree}/etc; echo >{tree}/etc/os-release'
    made = Images({str(tree): recipe(tmp_path, script, WHO='somebody')})
    threads = [threading.Thread(target=made.ensure, args=(str(tree),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / 'count').read_text() == 'x\n'
    assert (tmp_path / 'logs' / 'build.log').read_text() == 'begun somebody\n'


def test_an_image_that_is_there_or_has_no_recipe_is_left_alone(tmp_path):
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc' / 'os-release').touch()
    made = Images({str(tmp_path): recipe(tmp_path, 'exit 1')})
    made.ensure(str(tmp_path))
    made.ensure('/nowhere')
    assert not (tmp_path / 'logs').exists()


@pytest.mark.parametrize('script', ['echo no space left; exit 1', 'echo no space left; exit 0'])
def test_a_failed_build_says_what_it_said_last(tmp_path, script):
    made = Images({str(tmp_path / 'rootfs'): recipe(tmp_path, script)})
    with pytest.raises(HypervisorError, match='no space left .see .*build.log'):
        made.ensure(str(tmp_path / 'rootfs'))
