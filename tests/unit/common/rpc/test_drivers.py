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

import types

import pytest

from trove.common.rpc import drivers, transport

ID = '11111111-2222-4333-8444-555555555555'


class Message(dict):
    """As the driver hands it over: a dict that knows how it came."""

    def __init__(self, exchange, **content):
        super().__init__(content)
        self._raw_message = types.SimpleNamespace(delivery_info={'exchange': exchange})
        self.acknowledged = False

    def acknowledge(self):
        self.acknowledged = True


def _receive(message):
    taken = []
    drivers._with_origin(taken.append)(message)
    return taken


def test_origin_is_the_exchange_and_nothing_else():
    message = Message(f'g.{ID}.out', method='deliver', args={'envelope': {'x': 1}},
                      **{'_context__bus_origin': 'g.other.out'})
    assert _receive(message) == [{
        'method': 'deliver',
        'version': '1.0',
        'args': {
            'envelope': {
                'x': 1
            }
        },
        '_context__bus_origin': f'g.{ID}.out'
    }]


def test_reply_addresses_and_other_additions_are_dropped():
    message = Message('g.x.out', method='deliver', version='9', namespace='n',
                      _reply_q='taskmanager', _msg_id='m', _unique_id='u', _timeout=5, args={
                          'envelope': 1,
                          'more': 2
                      }, _context_user='root', _context_request_id='req-1')
    assert set(_receive(message)[0]) == {
        'method', 'version', 'args', '_context__bus_origin', '_context_request_id'
    }


@pytest.mark.parametrize('content', [{}, {
    'method': 'stop',
    'args': {
        'envelope': 1
    }
}, {
    'method': 'deliver'
}, {
    'method': 'deliver',
    'args': None
}, {
    'method': 'deliver',
    'args': {}
}, {
    'method': ['deliver'],
    'args': {
        'envelope': 1
    }
}])
def test_what_is_no_report_goes_no_further(content):
    message = Message('g.x.out', **content)
    assert _receive(message) == []
    assert message.acknowledged


@pytest.mark.parametrize('exchange, expected', [(f'g.{ID}.out', ID), (f'g.{ID}', None), ('', None),
                                                (f'g.{ID}.out.x', None), (f'xg.{ID}.out', None),
                                                (f'g.{ID}.out\n', None), ('g..out', None),
                                                (None, None)])
def test_sender_of_an_origin(exchange, expected):
    assert drivers.origin_instance({drivers.ORIGIN: exchange}) == expected


def test_no_origin_is_no_sender():
    assert drivers.origin_instance({}) is None


@pytest.mark.parametrize('url, expected',
                         [('rabbit://u:p@h:1/v', 'rabbit://u:p@h:1/v?a=1'),
                          ('rabbit://u:p@h/v?ssl=1', 'rabbit://u:p@h/v?a=1&ssl=1'),
                          ('rabbit://u:p@h/v?a=2', 'rabbit://u:p@h/v?a=2'),
                          ('rabbit://u:p@h,u:p@i/v', 'rabbit://u:p@h,u:p@i/v?a=1')])
def test_settings_travel_with_the_url_and_the_operator_wins(url, expected):
    assert transport.with_settings(url, {'a': '1'}) == expected
