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

"""Hashes that MariaDB stores for passwords."""

from trove.guestagent.datastore.mariadb import native_password


def test_it_is_what_the_server_computes():
    # SELECT PASSWORD('secret') on 10.11
    assert native_password.hashed('secret') == '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'
