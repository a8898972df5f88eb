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

"""What our things are called in the object store: clients that read there know these names."""


def log_prefix(instance_id: str, manager: str, log: str) -> str:
    """How the names of the stored pieces of a log begin; the rest sorts by time."""
    return f'{instance_id}/{manager}-{log}/'


def log_record(instance_id: str, manager: str, log: str) -> str:
    """The object that says what is stored of a log."""
    return f'{instance_id}/{manager}-{log}_metafile'
