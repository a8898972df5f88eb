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

"""Verifiers that MySQL stores for passwords."""

import pytest

from trove.guestagent.datastore.mysql import verifier


@pytest.mark.parametrize(
    ('password', 'salt', 'rounds', 'expected'),
    [
        # openssl passwd -5 -salt SALT (rounds=NUMBER$SALT)
        ('Hello world!', 'saltstring', 5000, '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'),
        ('Hello world!', 'saltstringsaltst', 10000, '3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'),
        ('a very much longer text to encrypt.  This one even stretches over morethan one line.',
         'anotherlongsalts', 1400, 'Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1')
    ])
def test_it_is_what_crypt_computes(password, salt, rounds, expected):
    assert verifier.crypt(password.encode(), salt.encode(), rounds) == expected


def test_parts_of_a_verifier():
    made = verifier.make('canary')
    assert made.startswith('$A$005$') and len(made) == 7 + 20 + 43 and 'canary' not in made
    assert verifier.make('canary') != made, 'each has a salt of its own'
    salt, digest = made[7:27], made[27:]
    assert verifier.crypt(b'canary', salt.encode(), 5000) == digest
    assert '$' not in salt and '\0' not in salt
