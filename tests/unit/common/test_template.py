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

"""Which configuration template an instance gets, and what it may use."""

import pytest

from trove.common import exception
from trove.common import template


def render(tmp_path, **changes):
    values = dict(manager='engine', version='10.11.6', flavor={'ram': 2048, 'vcpus': 2}, server_id=77, name='shop')
    return template.render(**{**values, **changes}, template_path=str(tmp_path))


def write(tmp_path, name, text):
    path = tmp_path / name / 'config.template'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_most_specific_template_wins(tmp_path):
    for name in ('engine', 'shop', 'shop/10', 'shop/10.11', 'shop/10.11.6'):
        write(tmp_path, name, name)
        assert render(tmp_path) == f'{name}\n'


def test_what_a_template_may_use(tmp_path):
    write(tmp_path, 'shop',
          'id={{ server_id }} pool={{ max(64, flavor.ram // 4) }}M v={{ datastore.semantic_version.minor }} "&"\n')
    assert render(tmp_path) == 'id=77 pool=512M v=11 "&"\n'


def test_the_operators_template_comes_before_the_packaged_one(tmp_path):
    packaged = render(tmp_path, manager='mariadb', name='mariadb')
    assert 'server_id = 77' in packaged
    write(tmp_path, 'mariadb', 'mine')
    assert render(tmp_path, manager='mariadb', name='mariadb') == 'mine\n'


def test_no_template_is_said_with_the_places(tmp_path):
    with pytest.raises(exception.TroveError) as caught:
        render(tmp_path)
    assert 'engine/config.template' in caught.value.detail


@pytest.mark.parametrize('text', ['{{ unknown }}', '{% if %}', '{{ flavor.ram / 0 }}'])
def test_a_broken_template_is_the_operators_matter(tmp_path, text):
    write(tmp_path, 'shop', text)
    with pytest.raises(exception.TroveError) as caught:
        render(tmp_path)
    assert caught.value.code == 'internal'
    assert caught.value.detail


def test_a_version_cannot_lead_out_of_the_directory(tmp_path):
    (tmp_path / 'templates').mkdir()
    write(tmp_path, 'etc', 'secret')
    with pytest.raises(exception.TroveError):
        template.render('engine', '../../etc', {'ram': 1}, 1, template_path=str(tmp_path / 'templates'))
