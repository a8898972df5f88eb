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

"""Modules of instances: list, apply and remove.

The calls are synchronous by contract: the client waits for the guest. The results are stored, so
that the instances of a module are known without asking the guests.
"""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.rpc import clients, messages
from trove.db import modules, session
from trove.db.rows import InstanceRow
from trove.db.session import Row
from trove.instance.actions import modules as instance_modules
from trove.module import models

CONF = cfg.CONF


def on_guest(row: InstanceRow, *, include_contents: bool) -> list[dict[str, Any]]:
    """Return the modules that the guest of an instance reports.

    :raises trove.common.exception.GuestError: the guest failed or did not reply.
    """
    reply = clients.guest(row).call(
        messages.ListModules(include_contents=include_contents), CONF.agent_call_high_timeout)
    return messages.checked_modules(reply.get('modules'))


def requested(context: Any, row: InstanceRow, module_ids: Iterable[str]) -> list[Row]:
    """Return the modules that a request names, in the order in which they are applied.

    :raises trove.common.exception.BadRequest: a module is for another datastore or version.
    """
    return instance_modules.in_order(
        instance_modules.requested(context, module_ids, row.datastore_id, row.datastore_version_id))


def apply(row: InstanceRow, found: Iterable[Row]) -> list[dict[str, Any]]:
    """Apply modules to an instance and store the results.

    :returns: results as the guest reports them.
    :raises trove.common.exception.GuestError: the guest did not reply; former results are stored.
    """
    client = clients.guest(row)
    results = []
    for module in found:
        reply = client.call(messages.ApplyModule.of(module, models.contents_of(module)),
                            CONF.agent_call_high_timeout)
        [result] = messages.checked_modules([reply.get('module')])
        if result['id'] != module.id:
            raise exception.GuestError('The guest gave an answer that cannot be used.')
        results.append(result)
        if result['status'] == messages.MODULE_OK:
            session.write(modules.link, row.id, module.id, module.md5, session.utcnow())
    return results


def remove(context: Any, row: InstanceRow, module_id: str) -> None:
    """Remove a module from an instance.

    :raises trove.common.exception.NotFound: no such module, or the instance does not have it.
    :raises trove.common.exception.GuestError: the guest failed or did not reply.
    """
    module = models.find(context, module_id)
    try:
        clients.guest(row).call(messages.RemoveModule(id=module.id, type=module.type),
                                CONF.agent_call_high_timeout)
    except exception.GuestError as error:
        if error.code != 'guest_not_found_module':
            raise
        # The stored result may be outdated.
        if not session.write(modules.unlink, row.id, module.id):
            raise exception.not_found(module_id) from None
        return
    session.write(modules.unlink, row.id, module.id)
