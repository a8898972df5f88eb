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
"""RPC clients over the message buses, made by the entry points of the API."""

import dataclasses
import functools
from collections.abc import Callable

from oslo_config import cfg

from trove.common.rpc import clients, keys, transport
from trove.db.session import Row
from trove.guestagent.api import GuestAPI
from trove.taskmanager.api import TaskManagerAPI
from trove.taskmanager.waker import Waker


def setup(conf: cfg.ConfigOpts) -> None:
    """Set up the RPC clients of this process from the configuration.

    :raises trove.common.rpc.keys.KeyConfigurationError: the key-encryption secret is unusable.
    """
    found = over(keys.KeyRing.from_conf(conf), lambda: transport.control_bus(conf),
                 lambda: transport.guest_bus(conf), conf.taskmanager_queue)
    waker = Waker(found.taskmanager)
    clients.setup(dataclasses.replace(found, taskmanager=lambda: waker))


def over(ring: keys.KeyRing, control: Callable[[], transport.Bus],
         guests: Callable[[], transport.Bus], topic: str = 'taskmanager') -> clients.Clients:
    """Return clients over two buses.

    :param control: returns the control bus; called at each use.
    :param guests: returns the guest bus; called at each use.
    :param topic: ``taskmanager_queue``.
    """
    return clients.Clients(keys=ring, taskmanager=lambda: TaskManagerAPI(control(), topic),
                           guest=functools.partial(_guest, ring, guests))


def _guest(ring: keys.KeyRing, guests: Callable[[], transport.Bus], row: Row) -> GuestAPI:
    return GuestAPI(guests(), row.id, ring.open(row.id, row.encrypted_key))
