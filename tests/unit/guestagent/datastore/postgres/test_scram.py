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
"""Verifiers of passwords: the example of RFC 7677, and the preparation of text."""

import base64

import pytest

from trove.guestagent.datastore.postgres import scram


def test_the_example_of_the_standard():
    """RFC 7677, section 3; user and password are "user" and "pencil"."""
    salt = base64.b64decode('W22ZaJ0SNY7soEsUEjb6gQ==')
    assert scram.verifier('pencil', salt) == (
        'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$'
        'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')


def test_each_has_a_salt_of_its_own():
    assert scram.verifier('pencil') != scram.verifier('pencil')


@pytest.mark.parametrize('password, bytes_of', [
    ('plain', 'plain'), ('tab\t', 'tab\t'), ('I\u00adX', 'IX'), ('\u2168', 'IX'), ('\u00a0a', ' a'),
    ('A\u030a', '\u00c5'),
    # SASLprep is undefined: libpq sends the text itself.
    ('\U0001F511', '\U0001F511'), ('\u0627x', '\u0627x'), ('ü\x07', 'ü\x07'), ('\u00ad', '\u00ad'),
    ('\u0221', '\u0221')])
def test_text_is_prepared_as_clients_do_it(password, bytes_of):
    assert scram.prepared(password) == bytes_of.encode()
