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

"""Reading the stories: YAML files of ordered requests, with words in angle brackets for ids and
projects.
"""

import pathlib
import re
from typing import Any

import yaml

from tests.functional.api import tokens

DIRECTORY = pathlib.Path(__file__).parent / 'stories'

#: Names in stories of the instances of :mod:`tests.functional.api.worlds`, and other ids.
WORDS = {
    'P': f'/v1.0/{tokens.DEMO}',
    'A': f'/v1.0/{tokens.ADMIN}',
    'O': f'/v1.0/{tokens.OTHER}',
    'demo': tokens.DEMO,
    'other-project': tokens.OTHER,
    'orders': '0f3c2d5e-55a1-4c0e-9d4a-2b7f8e6d1a10',
    'building': '1a2b3c4d-0001-4c0e-9d4a-2b7f8e6d1a11',
    'foreign': '2b3c4d5e-0002-4c0e-9d4a-2b7f8e6d1a12',
    'stopped': '3c4d5e6f-0003-4c0e-9d4a-2b7f8e6d1a13',
    'failed': '4d5e6f70-0004-4c0e-9d4a-2b7f8e6d1a14',
    'silent': '5e6f7081-0005-4c0e-9d4a-2b7f8e6d1a15',
    'source': '6f708192-0006-4c0e-9d4a-2b7f8e6d1a16',
    'replica': '708192a3-0007-4c0e-9d4a-2b7f8e6d1a17',
    'other-engine': '8192a3b4-0008-4c0e-9d4a-2b7f8e6d1a18',
    'group': 'a0c0f1de-0009-4c0e-9d4a-2b7f8e6d1a19',
    'attached-group': 'b1c0f1de-0010-4c0e-9d4a-2b7f8e6d1a20',
    'foreign-group': 'c2c0f1de-0011-4c0e-9d4a-2b7f8e6d1a21',
    'gone': '92a3b4c5-0012-4c0e-9d4a-2b7f8e6d1a22',
    'backup': 'd1bac0b5-0021-4c0e-9d4a-2b7f8e6d1a31',
    'increment': 'd2bac0b5-0022-4c0e-9d4a-2b7f8e6d1a32',
    'running-backup': 'd3bac0b5-0023-4c0e-9d4a-2b7f8e6d1a33',
    'foreign-backup': 'd4bac0b5-0024-4c0e-9d4a-2b7f8e6d1a34',
    'failed-backup': 'd5bac0b5-0025-4c0e-9d4a-2b7f8e6d1a35',
    'registered-backup': 'd6bac0b5-0026-4c0e-9d4a-2b7f8e6d1a36',
    'module': 'e1b0d01e-0031-4c0e-9d4a-2b7f8e6d1a41',
    'public-module': 'e2b0d01e-0032-4c0e-9d4a-2b7f8e6d1a42',
    'hidden-module': 'e3b0d01e-0033-4c0e-9d4a-2b7f8e6d1a43',
    'foreign-module': 'e4b0d01e-0034-4c0e-9d4a-2b7f8e6d1a44',
    'redis-module': 'e5b0d01e-0035-4c0e-9d4a-2b7f8e6d1a45',
    'live-module': 'e6b0d01e-0036-4c0e-9d4a-2b7f8e6d1a46',
    'nobody': '99999999-9999-4999-8999-999999999999',
    'version': 'e7c4d8b0-61b6-4f6d-8a55-3b6d5f0e2c11',
    'old-version': '5b1f0c7e-9a42-4d0c-8a0e-6f0f3f6f9a22',
    'image': '6a9a0f58-8d2b-4f8f-9e0f-0c5a7d1b3e44',
}

_WORD = re.compile(r'<([a-zA-Z-]+)>')


def load(path: pathlib.Path, words: dict[str, str] | None = None) -> dict[str, Any]:
    """A story with its words filled in.

    :param words: more of them, known only when the world is made.
    """
    known = {**WORDS, **(words or {})}
    text = _WORD.sub(lambda match: known.get(match.group(1), match.group(0)), path.read_text())
    story = yaml.safe_load(text)
    for test in story['tests']:
        # A request that XML cannot express is marked with "wire: json".
        if 'wire' in test:
            test['request_headers'] = {
                **test.get('request_headers', {}), 'x-story-wire': test.pop('wire')
            }
    return story


def names() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob('*.yaml'))


def requests(story: dict[str, Any]) -> list[tuple[str, str]]:
    """(method, URL) of each request of a story."""
    found = []
    for test in story['tests']:
        for key, value in test.items():
            if key.isupper():
                found.append((key, value))
    return found
