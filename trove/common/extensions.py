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

"""Paste filter ``extensions``.

The calls on users, databases and root, and those of administrators, were plug-ins once. They are
lines of the URL table now (:mod:`trove.common.api`). The filter does nothing; it exists because
operators have its name in their api-paste.ini.
"""

from typing import Any


def factory(_global_conf: dict[str, str], **_local_conf: str) -> Any:
    return lambda application: application
