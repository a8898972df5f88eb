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

"""Tools of a production task manager: cloud clients, broker, guest bus, database."""

import functools
from typing import Any

from oslo_config import cfg

from trove.cloud import clouds
from trove.common import exception
from trove.common.rpc import broker, keys, transport
from trove.db import session
from trove.db.session import Row
from trove.guestagent.api import GuestAPI
from trove.taskmanager.step import Tools


def from_conf(conf: cfg.ConfigOpts) -> Tools:
    """Return tools made from the configuration.

    :raises trove.common.rpc.keys.KeyConfigurationError: the key-encryption secret is unusable.
    """
    ring = keys.KeyRing.from_conf(conf)
    return Tools(conf=conf, clock=session.utcnow, cloud=functools.partial(
        clouds.service_cloud, conf), broker=broker.for_conf(conf), guest=functools.partial(
            guest_client, transport.guest_bus(conf), ring), keys=ring, read=session.read)


def guest_client(bus: transport.Bus, ring: keys.KeyRing, instance: Row) -> GuestAPI:
    """Return the client of an instance's guest, limited to the agent run that last reported.

    :raises trove.common.exception.GuestError: the row has no key, as those of deleted instances.
    """
    if not instance.encrypted_key:
        raise exception.GuestError(f'Instance {instance.id} has no key.', code='guest_error')
    return GuestAPI(bus, instance.id, ring.open(instance.id, instance.encrypted_key),
                    instance.boot_id or '')


def instance_key(ring: keys.KeyRing, instance: Any) -> bytes:
    """Return the clear key of an instance, for its broker password and guest_info.conf."""
    return ring.open(instance.id, instance.encrypted_key)
