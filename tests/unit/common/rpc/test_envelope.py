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

import dataclasses
import json

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from trove.common.rpc import envelope

KEY, OTHER = b'k' * 32, b'o' * 32
ID = '11111111-2222-4333-8444-555555555555'
HEADER = envelope.Header(instance_id=ID, direction=envelope.UP, kind='Heartbeat',
                         boot_id='00000001.00000002', seq=7)
BODY = {'service_status': 'healthy', 'text': "ä'\"\n", 'list': [1, 2.5, None, True]}


def test_what_is_sealed_opens():
    assert envelope.open(KEY, envelope.seal(KEY, HEADER, BODY)) == (HEADER, BODY)


def test_it_survives_json():
    wire = json.loads(json.dumps(envelope.seal(KEY, HEADER, BODY)))
    assert envelope.open(KEY, wire) == (HEADER, BODY)


def test_content_is_not_readable_but_the_header_is():
    wire = envelope.seal(KEY, HEADER, BODY)
    assert 'healthy' not in json.dumps(wire)
    assert envelope.read_header(wire) == HEADER


def test_another_key_is_a_forgery():
    with pytest.raises(envelope.Forged):
        envelope.open(OTHER, envelope.seal(KEY, HEADER, BODY))


@pytest.mark.parametrize('name, value', [
    ('instance_id', ID.replace('1', '9')), ('direction', envelope.DOWN), ('kind', 'CommandResult'),
    ('boot_id', '00000009.00000002'), ('seq', 8), ('to_boot', 'x'), ('about', 'x:1')])
def test_every_header_value_is_authenticated(name, value):
    wire = envelope.seal(KEY, HEADER, BODY)
    changed = dataclasses.replace(HEADER, **{name: value})
    wire['h'] = envelope.seal(KEY, changed, BODY)['h']
    assert envelope.read_header(wire) == changed
    with pytest.raises(envelope.Forged):
        envelope.open(KEY, wire)


@pytest.mark.parametrize('part', ['n', 'c'])
def test_changed_cipher_text_is_a_forgery(part):
    wire = envelope.seal(KEY, HEADER, BODY)
    wire[part] = ('B' if wire[part][0] == 'A' else 'A') + wire[part][1:]
    with pytest.raises(envelope.Forged):
        envelope.open(KEY, wire)


@pytest.mark.parametrize('wire', [{}, {'service_status': 'healthy'}, {'h': '{}'}, {'c': 'AAAA'}])
def test_plain_content_is_unsealed(wire):
    with pytest.raises(envelope.Unsealed) as refused:
        envelope.open(KEY, wire)
    assert refused.value.reason == 'unsealed'


@pytest.mark.parametrize('change', [{
    'v': 2
}, {
    'v': None
}, {
    'h': 'x'
}, {
    'h': '[]'
}, {
    'h': '{}'
}, {
    'h': 5
}, {
    'h': 'x' * 2000
}, {
    'h': '"' + 'ä' + '"'
}, {
    'n': None
}, {
    'n': ''
}, {
    'n': '!!!!'
}, {
    'n': 'AAAA'
}, {
    'n': 'A' * 100
}, {
    'c': None
}, {
    'c': 'ä'
}, {
    'c': 7
}, {
    'h': '[' * 1000
}])
def test_what_is_no_envelope_is_malformed(change):
    with pytest.raises(envelope.Malformed):
        envelope.open(KEY, {**envelope.seal(KEY, HEADER, BODY), **change})


@pytest.mark.parametrize('name, value', [('instance_id', 'x'), ('instance_id', ID.upper() + '\n'),
                                         ('instance_id', None), ('direction', 'sideways'),
                                         ('kind', ''), ('kind', 'A b'), ('kind', 'A' * 37),
                                         ('boot_id', ''), ('boot_id', 'x' * 37), ('boot_id', 'ä'),
                                         ('seq', 0), ('seq', -1), ('seq', 2**63), ('seq', True),
                                         ('seq', 1.0), ('seq', '1'), ('version', 2),
                                         ('version', True), ('to_boot', None), ('about', 'x' * 65)])
def test_header_values_are_bounded_on_both_sides(name, value):
    bad = dataclasses.replace(HEADER, **{name: value})
    with pytest.raises(envelope.Malformed):
        envelope.seal(KEY, bad, BODY)
    wire = envelope.seal(KEY, HEADER, BODY)
    wire['h'] = json.dumps(dataclasses.asdict(bad))
    with pytest.raises(envelope.Malformed):
        envelope.read_header(wire)


def test_header_without_a_value_is_malformed():
    wire = envelope.seal(KEY, HEADER, BODY)
    values = dataclasses.asdict(HEADER)
    del values['seq']
    wire['h'] = json.dumps(values)
    with pytest.raises(envelope.Malformed):
        envelope.read_header(wire)


def test_too_long_is_not_even_decoded():
    wire = envelope.seal(KEY, HEADER, {'x': 'y' * 5000})
    with pytest.raises(envelope.Malformed):
        envelope.open(KEY, wire, max_bytes=1000)
    assert envelope.open(KEY, wire)[1] == {'x': 'y' * 5000}


def test_same_message_never_looks_the_same():
    assert envelope.seal(KEY, HEADER, BODY)['c'] != envelope.seal(KEY, HEADER, BODY)['c']


def test_reference_names_run_and_number():
    assert HEADER.reference == '00000001.00000002:7'


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text()
        | st.binary().map(lambda raw: raw.hex()), lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(['v', 'h', 'n', 'c', 'x']), inner)))
def test_any_junk_is_refused_with_our_error(junk):
    with pytest.raises(envelope.EnvelopeError):
        envelope.open(KEY, junk)
