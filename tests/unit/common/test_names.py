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

"""Which names each engine takes, and what a user in a path means."""

import pytest

from trove.common import engines, names

MYSQL, POSTGRESQL = engines.of('mariadb'), engines.of('postgresql')


@pytest.mark.parametrize(
    'name', ['shop', 'ab', 'a' * 64, 'my-shop_2', 'two words', 'a##b', 'a@b', 'mid dle-2'])
def test_databases_mysql_takes(name):
    MYSQL.database_name.check(name)


@pytest.mark.parametrize(
    'name',
    ['a', 'a' * 65, ' shop', 'shop ', 'a b c', 'a\\b', 'a\tb', 'a.b', 'a/b', '#a', 'ü2', ''])
def test_databases_mysql_refuses(name):
    with pytest.raises(ValueError):
        MYSQL.database_name.check(name)


@pytest.mark.parametrize('name, fits', [('ab', True), ('a' * 63, True), ('a' * 64, False),
                                        ('a', False), ('shop ', False),
                                        ('any thing \\ "goes"', True), ('a\nb', False),
                                        ('ü' * 32, False), ('\U0001F511' * 15, True),
                                        ('\U0001F511' * 16, False), ('\ud83d' * 2, False)])
def test_databases_of_postgresql(name, fits):
    if fits:
        POSTGRESQL.database_name.check(name)
    else:
        with pytest.raises(ValueError):
            POSTGRESQL.database_name.check(name)


@pytest.mark.parametrize('name', ['app', 'a', 'a' * 32, 'a@b', 'a.b', '100%', 'in side', 'a-b_c'])
def test_users_mysql_takes(name):
    MYSQL.user_name.check(name)


@pytest.mark.parametrize(
    'name',
    ['', 'a' * 33, ' app', 'app ', "a'b", 'a"b', 'a;b', 'a`b', 'a,b', 'a/b', 'a\\b', 'a\0b'])
def test_users_mysql_refuses(name):
    with pytest.raises(ValueError):
        MYSQL.user_name.check(name)


@pytest.mark.parametrize('host', ['%', '10.1.%', '192.168.1.5', '10.20.%', '%.1.1.1'])
def test_hosts_that_are_addresses(host):
    MYSQL.check_host(host, require_valid_ip=True)


@pytest.mark.parametrize('host', [
    '', '10.%.1.1', '10.0.0.0/24', 'example.org', '%.example.org', ' %', '10.1.1.1\n', '300.1.1.1',
    '%%%'
])
def test_hosts_that_are_none(host):
    with pytest.raises(ValueError):
        MYSQL.check_host(host, require_valid_ip=True)


@pytest.mark.parametrize('host', ['example.org', '%.example.org', 'db-(1).example.org'])
def test_hosts_by_name_where_the_operator_allows_them(host):
    MYSQL.check_host(host, require_valid_ip=False)


def test_postgresql_ignores_well_formed_hosts():
    POSTGRESQL.check_host('example.org', require_valid_ip=True)


@pytest.mark.parametrize('password', ["a'b", 'a"b', 'a;b', 'a\\b', 'a\x07b'])
def test_passwords_mysql_refuses(password):
    with pytest.raises(ValueError) as refused:
        MYSQL.password.check(password)
    assert password not in str(refused.value)


@pytest.mark.parametrize('text, meant', [
    ('app', ('app', '%')),
    ('app@10%2e20%2e%25', ('app', '10.20.%')),
    ('app@10.20.%', ('app', '10.20.%')),
    ('a%40b%40%25', ('a@b', '%')),
    ('a@b', ('a', 'b')),
    ('a@b@%', ('a@b', '%')),
    ('a@', ('a@', '%')),
    ('100%', ('100%', '%')),
    ('with.dots.json', ('with.dots.json', '%')),
])
def test_a_user_in_a_path(text, meant):
    assert names.split_user(text) == meant


@pytest.mark.parametrize('given, meant', [
    ((None, None), ('utf8mb3', 'utf8mb3_general_ci')),
    (('utf8mb4', None), ('utf8mb4', 'utf8mb4_general_ci')),
    ((None, 'latin1_german2_ci'), ('latin1', 'latin1_german2_ci')),
    (('LATIN1', 'latin1_bin'), ('latin1', 'latin1_bin')),
    (('utf8', None), ('utf8mb3', 'utf8mb3_general_ci')),
    (('utf8', 'utf8_bin'), ('utf8mb3', 'utf8mb3_bin')),
    (('binary', None), ('binary', 'binary')),
])
def test_character_sets(given, meant):
    assert MYSQL.charset(*given) == meant


@pytest.mark.parametrize('given', [('klingon', None), (None, 'klingon_ci'),
                                   ('utf8mb4', 'latin1_bin'), ('latin1', 'binary')])
def test_character_sets_that_cannot_be(given):
    with pytest.raises(ValueError):
        MYSQL.charset(*given)


def test_postgresql_character_sets_pass_through():
    assert POSTGRESQL.charset('UTF8', 'C.UTF-8') == ('UTF8', 'C.UTF-8')
