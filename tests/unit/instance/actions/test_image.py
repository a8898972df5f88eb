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

"""Versions to which an instance can be upgraded."""

from types import SimpleNamespace

import pytest

from trove.common import exception
from trove.instance.actions import image


def instance(**more):
    return SimpleNamespace(**{'manager': 'mariadb', 'flavor_id': '1', 'version_number': '10.11.6',
                              'version_name': '10.11', **more})


def version(name, number=None, **more):
    return SimpleNamespace(**{
        'name': name,
        'version': number or name,
        'manager': 'mariadb',
        'active': True,
        **more
    })


@pytest.mark.parametrize('target', [
    version('10.11'),
    version('11.4'),
    version('10.11', '10.11.6'),
    version('new', 'lts'),
    version('later', '10.11.7')
])
def test_forward(target):
    image.check_version(instance(), target, [], may_be_inactive=False)


@pytest.mark.parametrize(('target', 'reason'), [(version('10.6'), 'older'),
                                                (version('10.11', '10.11.5'), 'older'),
                                                (version('8.0', manager='mysql'), 'one of mariadb'),
                                                (version('11.4', active=False), 'not offered')])
def test_not(target, reason):
    with pytest.raises(exception.BadRequest, match=reason):
        image.check_version(instance(), target, [], may_be_inactive=False)


def test_administrators_see_what_is_not_offered():
    image.check_version(instance(), version('11.4', active=False), [], may_be_inactive=True)


def test_flavors_of_the_version():
    image.check_version(instance(), version('11.4'), ['1', '2'], may_be_inactive=False)
    with pytest.raises(exception.BadRequest, match='flavor 1'):
        image.check_version(instance(), version('11.4'), ['2'], may_be_inactive=False)
