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

"""The contract's index of endpoints and of policy rules, as data (tests/data/contract)."""

import pathlib
import re
from typing import NamedTuple

DIRECTORY = pathlib.Path(__file__).parents[2] / 'data/contract'


class Endpoint(NamedTuple):
    """One row of the index.

    :ivar action: the key, and the key inside it, of a call with several actions on one path; empty
        for the others.
    :ivar audience: public, any, own or adm.
    :ivar takes: wrapper key of the request, or flat, optional or action; empty for none.
    :ivar gives: keys of the answer -> whether they are always there; flat for an answer without
        wrapper.
    """
    number: str
    method: str
    path: str
    action: str
    audience: str
    status: int
    takes: str
    gives: dict[str, bool]
    rules: frozenset[str]

    @property
    def place(self) -> tuple[str, str]:
        return self.method, shape(self.path)


class Rule(NamedTuple):
    """One policy rule.

    :ivar former: owner, any or admin. :ivar role: that the default asks for now.
    """
    name: str
    former: str
    role: str


def shape(path: str) -> str:
    """A path in which it does not matter what its segments are called."""
    return re.sub(r'{\w+}', '{}', path)


def _lines(name: str) -> list[list[str]]:
    return [['' if word == '.' else word
             for word in line.split(' ')]
            for line in (DIRECTORY / name).read_text().splitlines()
            if line and not line.startswith('#')]


def _endpoint(words: list[str]) -> Endpoint:
    number, method, path, action, audience, status, takes, gives, rules = words
    keys = {key.rstrip('?'): not key.endswith('?') for key in gives.split(',') if key}
    return Endpoint(number, method, path, action, audience, int(status), takes, keys,
                    frozenset(rules.split(',')) - {''})


def endpoints() -> list[Endpoint]:
    return [_endpoint(words) for words in _lines('endpoints.txt')]


def rules() -> list[Rule]:
    return [Rule(*words) for words in _lines('policies.txt')]
