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

import pytest

from trove.guestagent.datastore.paging import page

NAMES = ['a', 'b', 'd', 'e']


@pytest.mark.parametrize('limit, marker, include, items, after', [
    (0, None, False, 'abde', None),
    (2, None, False, 'ab', 'b'),
    (4, None, False, 'abde', None),
    (5, None, False, 'abde', None),
    (2, 'b', False, 'de', None),
    (1, 'b', False, 'd', 'd'),
    (1, 'c', False, 'd', 'd'),
    (2, 'b', True, 'bd', 'd'),
    (2, 'c', True, 'de', None),
    (2, 'e', False, '', None),
    (2, 'z', True, '', None),
])
def test_page(limit, marker, include, items, after):
    assert page(NAMES, NAMES, limit=limit, marker=marker,
                include_marker=include) == (list(items), after)


def test_pages_together_are_the_list():
    names = [f'{number:03}' for number in range(25)]
    found, marker = [], None
    while True:
        items, marker = page(names, names, limit=7, marker=marker)
        found += items
        if marker is None:
            break
    assert found == names


def test_nothing_to_page():
    assert page([], [], limit=5, marker=None) == ([], None)
