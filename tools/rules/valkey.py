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

"""Options of Valkey, which lists them like Redis."""

from rules import Rule, redis

MANAGER = 'valkey'
SERIES = '8.0'
PROGRAM = 'valkey-server'


def installed() -> str:
    """Return the version string of this machine's engine, "" without one."""
    return redis.installed(PROGRAM)


def rules() -> list[Rule]:
    """Return the rules of all options that tenants may set."""
    return redis.rules(PROGRAM)
