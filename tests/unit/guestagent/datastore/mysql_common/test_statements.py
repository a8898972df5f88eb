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

from trove.guestagent.datastore.mariadb.engine import MariaDB
from trove.guestagent.datastore.mysql.engine import MySQL
from trove.guestagent.datastore.mysql_common import statements

HOSTILE = 'o\'b"r`x\\y%_z;--'


def test_literal():
    assert statements.literal(HOSTILE) == "'o''b\"r`x\\\\y%_z;--'"
    assert statements.literal('a\0b\nc') == "'a\\0b\\nc'"


def read_literal(text):
    """Return the literal that a server without NO_BACKSLASH_ESCAPES reads, and the rest."""
    assert text[0] == "'"
    value, position = '', 1
    while True:
        if text[position] == '\\':
            value += {
                '0': '\0',
                'n': '\n',
                'r': '\r',
                'Z': '\x1a'
            }.get(text[position + 1], text[position + 1])
            position += 2
        elif text[position:position + 2] == "''":
            value += "'"
            position += 2
        elif text[position] == "'":
            return value, text[position + 1:]
        else:
            value += text[position]
            position += 1


@hypothesis.given(strategies.text())
def test_no_value_leaves_its_literal(value):
    assert read_literal(statements.literal(value)) == (value, '')


@hypothesis.given(strategies.text(), strategies.text())
def test_an_account_is_two_literals(name, host):
    first, rest = read_literal(statements.account(name, host))
    assert rest[0] == '@'
    assert (first, *read_literal(rest[1:])) == (name, host, '')


@hypothesis.given(strategies.text())
def test_no_name_leaves_its_identifier(name):
    quoted = statements.identifier(name)
    inner = quoted[1:-1]
    assert quoted[0] == quoted[-1] == '`' and '`' not in inner.replace('``', '')
    assert inner.replace('``', '`') == name


@hypothesis.given(strategies.text(alphabet='ab\\%_`'))
def test_a_pattern_matches_its_own_name_only(name):
    assert statements.name_of_pattern(statements.pattern(name)) == name


def test_grants():
    assert statements.grant_database(statements.pattern('a_b`c'), "o'x", '%') == (
        "GRANT ALL PRIVILEGES ON `a\\_b``c`.* TO 'o''x'@'%'")
    assert statements.revoke_database('a\\_b', 'u',
                                      '%') == ("REVOKE GRANT OPTION ON `a\\_b`.* FROM 'u'@'%'",
                                               "REVOKE ALL PRIVILEGES ON `a\\_b`.* FROM 'u'@'%'")


@pytest.mark.parametrize('stored, name', [('shop', 'shop'), ('foo\\_bar', 'foo_bar'),
                                          ('foo_bar', 'foo_bar'), ('a\\\\b', 'a\\b'),
                                          ('100\\%', '100%'), ('any%', 'any%')])
def test_names_of_stored_patterns(stored, name):
    assert statements.name_of_pattern(stored) == name


@pytest.mark.parametrize('engine', [MariaDB(), MySQL()])
@pytest.mark.parametrize('statement', [statements.create_user, statements.set_password])
def test_no_password_in_a_statement_and_no_hash_in_a_log(engine, statement):
    identified = engine.identified('canary')
    made = statement('u', '%', identified)
    assert 'canary' not in made and made.endswith(identified)
    hashed = identified.split()[-1].strip("'")
    assert len(hashed) > 40 and hashed not in statements.redacted(made)


def test_an_empty_list_matches_nothing():
    assert statements.literals([]) == 'NULL'
    assert '(NULL, NULL)' in statements.grants_of([])
