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

"""Filters, order, bounds of time and booleans of a query."""

import datetime

import pytest
import webob

from trove.common import exception
from trove.common.http import query
from trove.common.listing import Order, Window


def request_of(text):
    return webob.Request.blank(f'/?{text}')


@pytest.mark.parametrize('text,moment', [('2031-04-02T08:15:00', (8, 15, 0)),
                                         ('2031-04-02T08:15', (8, 15, 0)),
                                         ('2031-04-02', (0, 0, 0)),
                                         ('2031-04-02T08:15:00Z', (8, 15, 0)),
                                         ('2031-04-02T10:15:00%2B02:00', (8, 15, 0)),
                                         ('2031-04-02T10:15:00+02:00', (8, 15, 0)),
                                         ('2031-04-02T08:15:00.25', (8, 15, 0, 250000))])
def test_a_window_takes_times_with_and_without_zone(text, moment):
    assert query.window(request_of(f'created_after={text}')) == Window(
        created_after=datetime.datetime(2031, 4, 2, *moment))


def test_a_window_has_four_bounds_and_none_is_needed():
    assert query.window(request_of('created_after=&x=1')) == Window()
    found = query.window(
        request_of('&'.join(f'{name}=203{number}-01-01'
                            for number, name in enumerate(query.WINDOW))))
    assert [bound.year for bound in found] == [2030, 2031, 2032, 2033]


@pytest.mark.parametrize('text', [
    'yesterday', '2031', '2031-13-01', '20310402', '2031-04-02T25:00:00', '1.5',
    '0001-01-01T00:00:00%2B14:00', '2031-W14-3'
])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(exception.BadRequest, match='updated_before. must be a time'):
        query.window(request_of(f'updated_before={text}'))


def test_orders():
    assert query.order(request_of(''), ('name',)) == Order(None, False)
    assert query.order(request_of('sort_key=name&sort_dir=desc'), ('name',)) == Order('name', True)
    with pytest.raises(exception.BadRequest, match='one of created, name'):
        query.order(request_of('sort_key=id'), ('created', 'name'))
    with pytest.raises(exception.BadRequest, match='asc or desc'):
        query.order(request_of('sort_key=name&sort_dir=up'), ('name',))


def test_words_are_found_in_any_case():
    assert query.word(request_of('status=failed'), 'status', ('NEW', 'FAILED')) == 'FAILED'
    assert query.word(request_of('status='), 'status', ('NEW',)) is None
    with pytest.raises(exception.BadRequest, match='must be one of NEW'):
        query.word(request_of('status=fine'), 'status', ('NEW',))


def test_texts_have_an_end():
    assert query.text(request_of('name=a'), 'name') == 'a'
    assert query.text(request_of(''), 'name') is None
    with pytest.raises(exception.BadRequest, match='at most 255'):
        query.text(request_of(f'name={"a" * 256}'), 'name')


@pytest.mark.parametrize('word,is_true', [('1', True), ('True', True), ('YES', True), ('on', True),
                                          ('t', True), ('y', True), ('', False), ('0', False),
                                          ('false', False), ('2', False)])
def test_flags_as_other_services_take_them(word, is_true):
    assert query.flag(request_of(f'x={word}'), 'x') is is_true
