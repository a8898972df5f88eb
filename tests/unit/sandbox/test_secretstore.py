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

import base64
import stat

from control import secretstore


def test_secrets_are_kept_and_private(tmp_path):
    store = secretstore.SecretStore(tmp_path / 'secrets')
    first = store.get('a')
    assert store.get('a') == first != store.get('b')
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / 'secrets' / 'a').stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / 'secrets').stat().st_mode) == 0o700
    assert len(base64.urlsafe_b64decode(store.get_key('k'))) == 32
