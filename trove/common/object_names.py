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

"""Names of Trove's objects in the object store. Clients read the objects by these names."""


def log_prefix(instance_id: str, manager: str, log: str) -> str:
    """Return the common prefix of the stored parts of a log; the rest of the name sorts by time."""
    return f'{instance_id}/{manager}-{log}/'


def log_record(instance_id: str, manager: str, log: str) -> str:
    """Return the name of the object with the metadata of a stored log."""
    return f'{instance_id}/{manager}-{log}_metafile'
