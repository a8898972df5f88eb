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

"""Sizes and flavors to which an instance can be resized."""

from types import SimpleNamespace

import pytest

from trove.cloud.compute import Flavor
from trove.common import cfg as options
from trove.common import exception
from trove.instance import validation
from trove.instance.actions import resize

FORMER = Flavor('1', 'db.small', ram=1024, vcpus=1, disk=5, ephemeral=0, is_public=True)


@pytest.fixture(autouse=True)
def conf():
    options.register(resize.CONF)
    resize.CONF([], project='trove', default_config_files=[], default_config_dirs=[])
    yield resize.CONF
    resize.CONF.reset()
    for name in ('max_accepted_volume_size', 'volume_rootdisk_support'):
        resize.CONF.clear_override(name)


def row(**columns):
    return SimpleNamespace(
        **{
            'id': 'i',
            'volume_support': True,
            'volume_size': 5,
            'version_name': '10.11',
            'manager': 'mariadb',
            **columns
        })


@pytest.mark.parametrize(('columns', 'size', 'refusal'), [({}, 6, None), ({}, 10, None),
                                                          ({}, 5, exception.BadRequest),
                                                          ({}, 1, exception.BadRequest),
                                                          ({}, 11, exception.OverLimit),
                                                          ({
                                                              'volume_size': 10
                                                          }, 10, exception.BadRequest),
                                                          ({
                                                              'volume_support': False
                                                          }, 6, exception.BadRequest),
                                                          ({
                                                              'volume_size': None
                                                          }, 6, exception.BadRequest)])
def test_sizes(columns, size, refusal):
    if refusal is None:
        resize.check_size(row(**columns), size)
        return
    with pytest.raises(refusal):
        resize.check_size(row(**columns), size)


def test_no_maximum_means_the_largest_value_of_a_column(conf):
    conf.set_override('max_accepted_volume_size', -1)
    resize.check_size(row(), 100000)
    with pytest.raises(exception.OverLimit):
        resize.check_size(row(), 2 ** 31)


def new_flavor(**changes):
    return Flavor(
        **{
            'id': '2',
            'name': 'db.medium',
            'ram': 2048,
            'vcpus': 2,
            'disk': 5,
            'ephemeral': 0,
            'is_public': True,
            **changes
        })


@pytest.mark.parametrize(('columns', 'flavor', 'allowed', 'refusal', 'message'), [
    ({}, new_flavor(), (), None, ''),
    ({}, new_flavor(), ('2', '3'), None, ''),
    ({}, new_flavor(), ('3',), exception.BadRequest, 'not allowed for datastore version 10.11'),
    ({}, new_flavor(name='db.small'), (), exception.BadRequest, 'has already'),
    ({}, new_flavor(ephemeral=1), (), exception.NotSupported, 'ephemeral'),
    ({}, new_flavor(disk=4), (), exception.BadRequest, 'does not shrink'),
    ({}, new_flavor(ram=512, vcpus=1), (), None, ''),
    ({'volume_support': False}, new_flavor(), (), exception.BadRequest, 'no ephemeral disk'),
    ({'volume_support': False}, new_flavor(ephemeral=1), (), None, '')])
def test_flavors(columns, flavor, allowed, refusal, message):
    settings = SimpleNamespace(device_path='/dev/vdb')
    if refusal is None:
        validation.check_flavor(row(**columns), flavor, FORMER, allowed, settings)
        return
    with pytest.raises(refusal, match=message):
        validation.check_flavor(row(**columns), flavor, FORMER, allowed, settings)


def test_a_server_that_boots_from_a_volume_has_no_disk_to_shrink(conf):
    conf.set_override('volume_rootdisk_support', True)
    validation.check_flavor(row(), new_flavor(disk=1), FORMER, (),
                            SimpleNamespace(device_path='/dev/vdb'))
