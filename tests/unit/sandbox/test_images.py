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

import fcntl
import pathlib
import subprocess

import pytest
from control import images
from control.settings import Settings

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent.parent


@pytest.fixture
def settings(tmp_path):
    return Settings(directory=tmp_path, repository=REPOSITORY)


def test_each_recipe_has_an_image_and_the_demo_instances_comes_first(settings):
    offered = images.offered(settings)
    folders = {
        path.parent.name
        for path in (REPOSITORY / 'image' / 'datastores').glob('*/datastore.conf')
    }
    assert {image.name for image in offered} == folders
    assert offered[0] == images.Image('mariadb', '10.11', 'mariadb')
    assert images.Image('redis', '7.0', 'redis') in offered


def test_images_are_named_by_datastore_by_name_or_all_together(settings):
    offered = images.offered(settings)
    assert images.chosen(settings, []) == []
    assert images.chosen(settings, ['redis']) == images.chosen(settings, ['redis-7.0', 'redis'])
    assert images.chosen(settings, ['all']) == offered
    with pytest.raises(images.UnknownImage, match='oracle; there are mariadb-10.11'):
        images.chosen(settings, ['redis', 'oracle'])


def test_each_image_has_a_recipe_and_they_share_one_cache(settings):
    recipes = images.recipes(settings, {
        'https_proxy': 'http://proxy:3128',
        'PIP_INDEX_URL': 'x',
        'HOME': '/root'
    })
    assert len(recipes) == len(images.offered(settings))
    recipe = recipes[str(settings.directory / 'images' / 'redis-7.0' / 'rootfs')]
    assert recipe['command'][:2] == [str(REPOSITORY / 'image' / 'build'), 'redis-7.0']
    assert recipe['environment'] == {'https_proxy': 'http://proxy:3128', 'PIP_INDEX_URL': 'x'}
    caches = {
        command[command.index('--cache') + 1]
        for command in (each['command'] for each in recipes.values())
    }
    assert caches == {str(settings.directory / 'images' / 'cache')}


def test_state_of_an_image(settings):
    image = images.chosen(settings, ['redis'])[0]
    assert images.state(settings, image) == 'built when it is first used'
    output = images.directory(settings, image)
    output.mkdir(parents=True)
    settings.logs.mkdir()
    (settings.logs /
     'image-redis-7.0.log').write_text('image: [ 1.0 s] system ...\nimage: [ 9.0 s] agent ...\n')
    with (output / '.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert images.state(settings, image) == 'being built: [ 9.0 s] agent ...'
    (output / 'image.json').write_text('{}')
    assert images.state(settings, image) == 'ready'


def test_the_command_builds_the_named_images_and_ends_at_the_first_failure(settings, capsys):
    begun = []

    def run(command, check):
        begun.append(command[1])
        return subprocess.CompletedProcess(command, 1 if command[1].startswith('redis') else 0)

    assert images.main(settings, ['mariadb'], run) == 0
    assert images.main(settings, ['redis', 'mariadb'], run) == 1
    assert begun == ['mariadb-10.11', 'mariadb-10.11', 'redis-7.0']
    assert images.main(settings, ['oracle'], run) == 2
    assert 'there is no image oracle' in capsys.readouterr().err
