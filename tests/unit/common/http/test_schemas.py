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

"""Failures as sentences, and the basic types."""

import pytest

from trove.common import exception
from trove.common.http import schemas

THING = schemas.compiled(
    schemas.wrapped(
        'thing',
        schemas.obj(
            {
                'name': schemas.TEXT,
                'size': schemas.SIZE,
                'id': schemas.UUID,
                'net': schemas.CIDR,
                'ip': schemas.IPV4,
                'flavor': schemas.FLAVOR,
                'flag': schemas.FLAG,
                'list': schemas.array(schemas.obj({'a': schemas.TEXT}, ('a',), extras=False),
                                      maxItems=2, uniqueItems=True),
            }, required=('name',))))


def failure(**thing):
    with pytest.raises(exception.BadRequest) as raised:
        schemas.check(THING, {'thing': {'name': 'a', **thing}})
    return raised.value.message


def passes(**thing):
    schemas.check(THING, {'thing': {'name': 'a', **thing}})


@pytest.mark.parametrize('body, sentence', [
    ({}, 'Validation error: thing is required'),
    ({
        'thing': 5
    }, 'Validation error: thing must be an object'),
    ({
        'thing': {}
    }, "Validation error: thing['name'] is required"),
    ({
        'thing': {
            'name': ''
        }
    }, "Validation error: thing['name'] must have at least one letter or digit"),
    ({
        'thing': {
            'name': None
        }
    }, "Validation error: thing['name'] must be text"),
    ({
        'thing': {
            'name': 'a',
            'list': [{
                'a': 'x'
            }, {
                'b': 1
            }]
        }
    }, "Validation error: thing['list'][1]['a'] is required; thing['list'][1] must not have 'b'"),
])
def test_sentences(body, sentence):
    with pytest.raises(exception.BadRequest) as raised:
        schemas.check(THING, body)
    assert sorted(raised.value.message.removeprefix('Validation error: ').split('; ')) == sorted(
        sentence.removeprefix('Validation error: ').split('; '))


def test_values_are_never_repeated():
    assert 'canary' not in failure(size='canary', id='canary', net='canary', flavor=['canary'])


@pytest.mark.parametrize('size', [1, 10 ** 30, '1', '007', '9' * 40])
def test_sizes(size):
    passes(size=size)


@pytest.mark.parametrize(
    'size', [0, -1, True, 1.5, 2.0, '0', '000', '', '9' * 41, '1 ', '1\n', '-1', None, [], '١'])
def test_sizes_that_are_none(size):
    assert "thing['size'] must be a whole number of GB, at least 1" in failure(size=size)


@pytest.mark.parametrize('net', [
    '0.0.0.0/0', '10.0.0.0/8', '192.168.1.1', '255.255.255.255/32', 'fd00::/8', '2001:db8::7',
    '::/0', '::ffff:10.0.0.1/128'
])
def test_networks(net):
    passes(net=net)


@pytest.mark.parametrize('net', [
    '999.1.1.1', '10.0.0.0/33', '10.0.0', 'fd00::/129', 'fd00:/8', '1:2', 'fd00::/8\n',
    '10.0.0.0/8\n', '', 5
])
def test_networks_that_are_none(net):
    assert "thing['net']" in failure(net=net)


@pytest.mark.parametrize('flavor', ['m1', 5, 0, 'https://h/flavors/5'])
def test_flavors(flavor):
    passes(flavor=flavor)


@pytest.mark.parametrize('flavor', [True, None, '', '---', {}, 1.5, 10.0, -1])
def test_flavors_that_are_none(flavor):
    assert "thing['flavor'] must be the id of a flavor" in failure(flavor=flavor)


@pytest.mark.parametrize(
    'value', ['0f3c2d5e-55a1-4c0e-9d4a-2b7f8e6d1a10', '0F3C2D5E-55A1-4C0E-9D4A-2B7F8E6D1A10'])
def test_ids(value):
    passes(id=value)


@pytest.mark.parametrize(
    'value',
    ['0f3c2d5e55a14c0e9d4a2b7f8e6d1a10', '0f3c2d5e-55a1-4c0e-9d4a-2b7f8e6d1a10\n', 'x', ''])
def test_ids_that_are_none(value):
    assert "thing['id'] must be a UUID" in failure(id=value)


def test_many_failures_are_cut():
    many = schemas.compiled(schemas.wrapped('things', schemas.array(schemas.TEXT)))
    with pytest.raises(exception.BadRequest) as raised:
        schemas.check(many, {'things': [''] * 100})
    assert raised.value.message.count(';') == schemas.MAX_FAILURES - 1
