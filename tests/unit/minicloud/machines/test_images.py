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


def test_concurrent_requests_build_an_image_once(tmp_path):
    tree = tmp_path / 'rootfs'
    script = (f'echo "begun $WHO"; echo x >>{tmp_path}/count; mkdir -p {tree}/etc; '
              f'echo >{tree}/etc/os-release')
    made = Images({str(tree): recipe(tmp_path, script, WHO='somebody')})
    threads = [threading.Thread(target=made.ensure, args=(str(tree),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / 'count').read_text() == 'x\n'
    assert (tmp_path / 'logs' / 'build.log').read_text() == 'begun somebody\n'


def test_an_existing_image_and_one_without_recipe_are_not_built(tmp_path):
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc' / 'os-release').touch()
    made = Images({str(tmp_path): recipe(tmp_path, 'exit 1')})
    made.ensure(str(tmp_path))
    made.ensure('/nowhere')
    assert not (tmp_path / 'logs').exists()


@pytest.mark.parametrize('script', ['echo no space left; exit 1', 'echo no space left; exit 0'])
def test_the_error_of_a_failed_build_has_its_last_output_line(tmp_path, script):
    made = Images({str(tmp_path / 'rootfs'): recipe(tmp_path, script)})
    with pytest.raises(HypervisorError, match='no space left .see .*build.log'):
        made.ensure(str(tmp_path / 'rootfs'))
