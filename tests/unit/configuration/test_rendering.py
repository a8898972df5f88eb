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

"""Which template an instance gets, and what it may use."""

from oslo_config import cfg
import pytest

from trove.common import cfg as concerns
from trove.common import exception
from trove.configuration import rendering


@pytest.fixture
def conf(tmp_path):
    made = cfg.ConfigOpts()
    concerns.register(made)
    made([])
    made.set_override('template_path', str(tmp_path))
    return made


def render(conf, **changes):
    values = dict(kind='config', datastore='shop', version_name='ten', version='10.11.6', manager='engine',
                  flavor={'ram': 2048, 'vcpus': 2}, server_id=77)
    return rendering.render(conf, **{**values, **changes})


def write(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_most_specific_template_wins(conf, tmp_path):
    for name in ('engine', 'shop', 'shop/10', 'shop/10.11', 'shop/10.11.6', 'shop/ten'):
        write(tmp_path, f'{name}/config.template', name)
        assert render(conf) == name


def test_what_a_template_may_use(conf, tmp_path):
    write(tmp_path, 'shop/config.template',
          'id={{ server_id }} pool={{ max(64, flavor.ram // 4) }}M v={{ datastore.semantic_version[0] }} "&"\n')
    assert render(conf) == 'id=77 pool=512M v=10 "&"\n'


def test_no_template_is_the_operators_matter(conf):
    with pytest.raises(exception.StepFailed) as caught:
        render(conf)
    assert 'engine/config.template' in caught.value.detail
    assert not caught.value.retriable


@pytest.mark.parametrize('text', ['{{ unknown }}', '{% if %}', '{{ flavor.ram / 0 }}'])
def test_a_broken_template_is_the_operators_matter(conf, tmp_path, text):
    write(tmp_path, 'shop/config.template', text)
    with pytest.raises(exception.StepFailed) as caught:
        render(conf)
    assert caught.value.code == 'internal'


def test_a_version_name_cannot_lead_out_of_the_directory():
    names = rendering.candidates('config', 'shop', '../../etc', '1', 'engine')
    assert not [name for name in names if '..' in name]
