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

"""What the rest of an instance's life, and of the REST contract, needs beyond the first schema.

Revision ID: t0002
Revises: t0001
"""

revision = 't0002'
down_revision = 't0001'


def upgrade() -> None:
    """Each subject is a function of its own below; one line here calls it."""
