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

"""Check of values against the rules of a version."""

import types

import pytest

from trove.common import exception
from trove.configuration import values
from trove.configuration.values import Rule

RULES = [Rule('max_connections', 'integer', smallest=10, largest=100000),
         Rule('autocommit', 'boolean'), Rule('sql_mode', 'string'),
         Rule('long_query_time', 'float', smallest=0, largest=31536000.5)]


@pytest.mark.parametrize('given', [
    {}, {'max_connections': 10}, {'MAX_Connections': 100000}, {'autocommit': False},
    {'sql_mode': ''}, {'long_query_time': 0.0}, {'long_query_time': 0}, {'long_query_time': 1},
    {'long_query_time': 31536000.5}])
def test_values_that_can_be(given):
    values.check(RULES, given, '10.11')


@pytest.mark.parametrize(('given', 'message'), [
    ({'port': 1}, "'port' is not a parameter of datastore version 10.11"),
    ({'max_connections': 9}, 'must be at least 10'),
    ({'max_connections': 100001}, 'must be at most 100000'),
    ({'max_connections': True}, 'must be an integer'),
    ({'max_connections': 10.0}, 'must be an integer'),
    ({'max_connections': '10'}, 'must be an integer'),
    ({'max_connections': None}, 'must be an integer'),
    ({'autocommit': 1}, 'must be true or false'), ({'sql_mode': 3}, 'must be text'),
    ({'sql_mode': 'A\nB'}, 'line breaks'),
    ({'sql_mode': 'x' * 1023}, 'at most 1024 characters'),
    ({'long_query_time': True}, 'must be a number'),
    ({'long_query_time': float('nan')}, 'must be a number'),
    ({'long_query_time': float('inf')}, 'must be a number'),
    ({'long_query_time': -0.1}, 'at least 0'),
    ({'long_query_time': 31536000.6}, 'at most 31536000.5'),
    ({'autocommit': True, 'AutoCommit': True}, 'same parameter')])
def test_values_that_cannot_be(given, message):
    with pytest.raises(exception.Unprocessable, match=message):
        values.check(RULES, given, '10.11')


def test_a_version_without_parameters_has_no_groups():
    with pytest.raises(exception.Unprocessable, match='not supported for datastore version 10.5'):
        values.check([], {}, '10.5')


def test_text_gets_the_types_of_the_parameters():
    given = {'Max_connections': ' 12 ', 'autocommit': 'True', 'sql_mode': '7',
             'long_query_time': '2', 'other': '1'}
    assert values.from_text(RULES, given) == {
        'Max_connections': 12, 'autocommit': True, 'sql_mode': '7', 'long_query_time': 2.0,
        'other': '1'}


@pytest.mark.parametrize('text', ['', 'many', '1.5', 'None', '0x10', '1' * 41])
def test_text_that_is_no_integer_stays_text(text):
    assert values.from_text(RULES, {'max_connections': text}) == {'max_connections': text}


def test_what_another_version_does_not_take_is_named():
    given = {'port': 1, 'Max_connections': 9, 'autocommit': True, 'sql_mode': 'ANSI',
             'long_query_time': 'now'}
    assert values.unfit(RULES, given) == ['Max_connections', 'long_query_time', 'port']
    assert values.unfit(RULES, {}) == []


def test_a_value_given_anew_replaces_the_one_in_another_case():
    assert values.merged({'a': 1, 'B': 2}, {'b': 3, 'c': 4}) == {'a': 1, 'b': 3, 'c': 4}


def test_secrets_are_not_shown():
    assert values.masked({'master_password': 'x', 'Ssl_Passwd': 'y', 'max': 1}) == {
        'master_password': '***', 'Ssl_Passwd': '***', 'max': 1}


@pytest.mark.parametrize(('text', 'number'), [
    (None, None), ('', None), ('0', 0), ('18446744073701163008', 18446744073701163008), ('-1', -1),
    ('2.5', 2.5),
    ('31536000.0', 31536000), ('1.79769e+308', 1.79769e+308), ('4.7e+18', 4.7e+18),
    ('1e-05', 1e-05), ('-1.0', -1), ('18446744073709551615.0', 18446744073709551615)])
def test_bounds_are_stored_as_text(text, number):
    assert values.bound(text) == number
    assert type(values.bound(text)) is type(number)


def test_a_rule_is_made_of_a_row():
    row = types.SimpleNamespace(name='n', data_type='integer', restart_required=1, min_size='0',
                                max_size='7')
    assert values.rule(row) == Rule('n', 'integer', restart_required=True, smallest=0, largest=7)
