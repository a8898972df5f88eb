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

"""Modules on instances: which ones an instance has, applying them and removing them.

The calls are synchronous by contract: the guest does it while the client waits. What the guest has done is written
down here, so that a module knows its instances without asking them.
"""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.rpc import clients, messages
from trove.db import modules, session
from trove.db.session import Row
from trove.instance.actions import modules as instance_modules
from trove.module import models

CONF = cfg.CONF


def on_guest(row: Row, *, include_contents: bool) -> list[dict[str, Any]]:
    """The modules that the guest of an instance has.

    :raises trove.common.exception.GuestError: it does not say.
    """
    answer = clients.guest(row).call(
        messages.ListModules(include_contents=include_contents), CONF.agent_call_high_timeout)
    return messages.checked_modules(answer.get('modules'))


def wanted(context: Any, row: Row, module_ids: Iterable[str]) -> list[Row]:
    """The modules that a request names for an instance, in the order in which they are applied.

    :raises trove.common.exception.BadRequest: one is for another datastore or version.
    """
    return instance_modules.in_order(
        instance_modules.requested(context, module_ids, row.datastore_id, row.datastore_version_id))


def apply(row: Row, found: Iterable[Row]) -> list[dict[str, Any]]:
    """Have modules applied to an instance.

    :returns: how each of them went, in the words of the guest.
    :raises trove.common.exception.GuestError: the guest did not answer; what it did before is written down.
    """
    client = clients.guest(row)
    told = []
    for module in found:
        answer = client.call(messages.ApplyModule.of(module, models.contents_of(module)),
                             CONF.agent_call_high_timeout)
        [result] = messages.checked_modules([answer.get('module')])
        if result['id'] != module.id:
            raise exception.GuestError('The guest gave an answer that cannot be used.')
        told.append(result)
        if result['status'] == messages.MODULE_OK:
            session.write(modules.link, row.id, module.id, module.md5, session.utcnow())
    return told


def remove(context: Any, row: Row, module_id: str) -> None:
    """Have a module removed from an instance.

    :raises trove.common.exception.NotFound: there is no such module, or the instance does not have it.
    :raises trove.common.exception.GuestError: the guest could not.
    """
    module = models.find(context, module_id)
    try:
        clients.guest(row).call(messages.RemoveModule(id=module.id, type=module.type),
                                CONF.agent_call_high_timeout)
    except exception.GuestError as error:
        if error.code != 'guest_not_found_module':
            raise
        # Our records may still say that it has it.
        if not session.write(modules.unlink, row.id, module.id):
            raise exception.not_found(module_id) from None
        return
    session.write(modules.unlink, row.id, module.id)
