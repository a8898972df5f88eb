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

from trove.common.rpc import keys

SECRET = 'first secret: long enough, many letters'
OTHER = 'other secret: long enough, many letters'
ID = '11111111-2222-4333-8444-555555555555'
ANOTHER = '99999999-2222-4333-8444-555555555555'


def test_keys_are_random():
    assert len(keys.new_instance_key()) == 32
    assert keys.new_instance_key() != keys.new_instance_key()


def test_derived_keys_differ_by_purpose_and_key():
    first, second = b'1' * 32, b'2' * 32
    assert keys.seal_key(first) == keys.derive(first, b'trove guest bus seal')
    assert len({
        keys.seal_key(first),
        keys.seal_key(second),
        keys.derive(first, b'trove guest bus password')
    }) == 3


def test_broker_password_is_stable_and_fits_a_url():
    password = keys.broker_password(b'1' * 32)
    assert password == keys.broker_password(b'1' * 32)
    assert password.replace('-', '').replace('_', '').isalnum() and len(password) == 43


def test_encoded_key_comes_back():
    key = keys.new_instance_key()
    assert keys.decode(keys.encode(key)) == key


@pytest.mark.parametrize('text', ['', 'AAAA', 'no base64!', 'Ä', keys.encode(b'x' * 33)])
def test_bad_encoded_key_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError) as problem:
        keys.decode(text)
    assert not text or text not in str(problem.value)


def test_sealed_key_opens_for_its_instance_only():
    ring, key = keys.KeyRing(SECRET), keys.new_instance_key()
    sealed = ring.seal(ID, key)
    assert ring.open(ID, sealed) == key
    assert keys.encode(key) not in sealed and len(sealed) <= 255
    with pytest.raises(keys.KeySealError):
        ring.open(ANOTHER, sealed)


def test_sealing_twice_looks_different():
    ring = keys.KeyRing(SECRET)
    assert ring.seal(ID, b'k' * 32) != ring.seal(ID, b'k' * 32)


@pytest.mark.parametrize('spoil', [
    lambda text: text[:-4] + 'AAAA', lambda text: text.replace('v1:', 'v2:'), lambda text: '',
    lambda text: 'v1', lambda text: 'v1:' + 'f' * 8 + text[11:], lambda text: text[:30],
    lambda text: text + 'Ä'
])
def test_damaged_sealed_key_is_refused(spoil):
    ring = keys.KeyRing(SECRET)
    with pytest.raises(keys.KeySealError):
        ring.open(ID, spoil(ring.seal(ID, b'k' * 32)))


def test_rotation_goes_row_by_row():
    before, during, after = keys.KeyRing(SECRET), keys.KeyRing(OTHER,
                                                               (SECRET,)), keys.KeyRing(OTHER)
    old = before.seal(ID, b'k' * 32)
    assert during.open(ID, old) == b'k' * 32
    assert not during.is_current(old)
    with pytest.raises(keys.KeySealError):
        after.open(ID, old)
    new = during.reseal(ID, old)
    assert during.is_current(new)
    assert after.open(ID, new) == b'k' * 32


@pytest.mark.parametrize('value', [None, '', 'short', *sorted(keys.PUBLISHED_DEFAULTS), 'ab' * 30])
def test_service_does_not_start_with_a_weak_secret(value):
    with pytest.raises(keys.KeyConfigurationError) as problem:
        keys.check_keys(types.SimpleNamespace(inst_rpc_key_encr_key=value))
    assert 'inst_rpc_key_encr_key' in str(problem.value)


def test_service_starts_with_a_good_secret():
    keys.check_keys(types.SimpleNamespace(inst_rpc_key_encr_key=SECRET))
    assert keys.secret_problem(SECRET) is None
