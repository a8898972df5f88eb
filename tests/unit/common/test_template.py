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

"""Rendered configuration: paths of templates, and golden files in tests/data/templates."""

import pathlib

import pytest

from trove.common import exception, template
from trove.guestagent.datastore.mysql_common import options

GOLDEN = pathlib.Path(__file__).parents[2] / 'data' / 'templates'
SIZES = (512, 1024, 2048, 4096, 16384, 262144)


def render(ram, **more):
    return template.render('mariadb', '10.11', {
        'ram': ram,
        'vcpus': 1
    }, 77, template_path='', **more)


@pytest.mark.parametrize('ram', SIZES)
def test_mariadb_as_recorded(ram):
    assert render(ram) == (GOLDEN / f'mariadb-10.11-{ram}.cnf').read_text()


@pytest.mark.parametrize('ram', SIZES)
def test_mariadb_fits_its_memory(ram):
    found = options.parse(render(ram))
    pool = int(found['innodb_buffer_pool_size'].rstrip('M'))
    assert 128 <= pool <= max(128, ram * 0.6)
    assert 96 <= int(found['innodb_log_file_size'].rstrip('M')) <= 4096
    assert 80 <= int(found['max_connections']) <= 4000
    assert found['server_id'] == '77'


def test_candidates_from_special_to_general():
    assert template.candidates('mariadb', '10.11.6', name='Shop') == [
        'Shop/10.11.6/config.template', 'Shop/10.11/config.template', 'Shop/10/config.template',
        'Shop/config.template', 'mariadb/config.template']
    assert template.candidates('mariadb', '10.11',
                               template.REPLICA)[0] == 'mariadb/10.11/replica.config.template'


@pytest.mark.parametrize('place', ['mariadb', 'mariadb/10', 'mariadb/10.11'])
def test_an_operators_template_wins(tmp_path, place):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / 'config.template').write_text(
        '{{ datastore.name }} {{ datastore.semantic_version.minor }} {{ flavor.ram }} '
        '{{ server_id }} a&b'
    )
    text = template.render('mariadb', '10.11', {'ram': 512}, 5, template_path=str(tmp_path))
    assert text == 'mariadb 11 512 5 a&b\n'


def test_no_template():
    with pytest.raises(exception.NotSupported, match='replica'):
        render(512, kind=template.REPLICA)


@pytest.mark.parametrize('text', ['{{ unknown }}', '{% if %}', '{{ 1 // 0 }}'])
def test_a_wrong_template_is_the_operators_problem(tmp_path, text):
    (tmp_path / 'mariadb').mkdir()
    (tmp_path / 'mariadb/config.template').write_text(text)
    with pytest.raises(exception.TroveError) as failure:
        template.render('mariadb', '10.11', {'ram': 512}, 5, template_path=str(tmp_path))
    assert 'mariadb' in failure.value.detail
