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


"""Hashes of MariaDB's mysql_native_password, so that no statement contains a password."""

import hashlib


def hashed(password: str) -> str:
    """Return the text after IDENTIFIED BY PASSWORD."""
    inner = hashlib.sha1(password.encode('utf-8'), usedforsecurity=False).digest()
    return '*' + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()
