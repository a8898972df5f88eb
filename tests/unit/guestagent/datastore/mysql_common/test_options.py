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

import hypothesis
import pytest
from hypothesis import strategies

from trove.guestagent.datastore.mysql_common import options


def test_render():
    assert options.render({'port': '3306', 'init_connect': "SET x='#'", 'empty': ''}) == (
        '[mysqld]\nport = 3306\ninit_connect = "SET x=\'#\'"\nempty = ""\n')


@pytest.mark.parametrize('name, value', [('a', 'x\n[client]'), ('a', 'x\ry'), ('a\nb', '1'),
                                         ('a', '\0'), ('', '1'), ('[mysqld', '1'), ('#a', '1')])
def test_no_option_begins_another(name, value):
    with pytest.raises(ValueError, match='cannot be written'):
        options.render({name: value})


def test_parse():
    text = (
        '# note\n[client]\nport=1\n[mysqld]\nmax-connections = 5 # few\nskip_x\n'
        'name = "a \\"b\\""\n'
        "[mariadb]\nY='z'\n")
    assert options.parse(text) == {'max_connections': '5', 'skip_x': '', 'name': 'a "b"', 'y': 'z'}


@hypothesis.given(strategies.dictionaries(
    strategies.from_regex(r'[a-z][a-z_]{0,20}', fullmatch=True),
    strategies.text(strategies.characters(min_codepoint=32, max_codepoint=0x2fff), max_size=20)))
def test_what_is_written_is_read(values):
    try:
        text = options.render(values)
    except ValueError:
        return
    assert options.parse(text) == values
