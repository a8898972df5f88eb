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

"""Command of trove-manage that compares the guest bus with the database."""

import sys

from oslo_config import cfg

from trove.cmd.housekeeping import CommandError, table
from trove.common import exception
from trove.db import session

CONF = cfg.CONF


def guest_bus(action: str) -> None:
    """Compare the accounts, queues and exchanges of guests at the broker with the instances."""
    # Other commands need no broker and start sooner without its libraries.
    from trove.common.rpc import broker, keys
    from trove.taskmanager.guest_bus import Identities, summary

    try:
        known = broker.for_conf(CONF)
        if not known.provisions:
            raise CommandError('[guest_bus] provision is false: operators make the accounts.')
        identities = Identities(CONF, known, keys.KeyRing.from_conf(CONF), session.utcnow)
        found = identities.repair() if action == 'repair' else identities.differences()
    except exception.BrokerError as error:
        raise CommandError(f'{error.message} {error.detail}') from error
    except keys.KeyConfigurationError as error:
        raise CommandError(str(error)) from error
    if not found:
        print('Every guest has its identity at the broker, and no other exists.')
        return
    print(table(('Instance', 'State', 'Parts'), summary(found)))
    if action == 'repair':
        print(f'{len(found)} were repaired.')
    else:
        sys.exit(1)
