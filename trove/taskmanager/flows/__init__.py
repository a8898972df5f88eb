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

"""The flows: what each kind of operation consists of. One module per flow, each with one ``FLOW``."""

import importlib

from trove.taskmanager.step import Flow

#: kind -> module of this package
KINDS = ('instance_create', 'instance_delete', 'instance_restart')


def registry() -> dict[str, Flow]:
    """kind -> flow, of all flows this release knows."""
    return {kind: importlib.import_module(f'{__name__}.{kind}').FLOW for kind in KINDS}
