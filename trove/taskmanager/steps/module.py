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

"""Steps that apply modules to instances."""

import functools
from typing import Any

from trove.common import exception
from trove.common import states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.rpc import messages
from trove.db import instances
from trove.db import modules
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base

#: Timeout in seconds of a guest for one module.
PATIENCE = 15


class ModulesApplied(Step[args.Create, facts.Nothing]):
    """The new instance has its modules; a module that cannot be applied does not fail the instance.
    """

    def run(self, work: Work[args.Create, facts.Nothing]) -> Done:
        ids = work.args.get('modules') or []
        if not ids:
            return Done()
        row = base.instance(work)
        found = {module.id: module for module in work.tools.read(modules.by_ids, ids, None)}
        changes: list[Change] = []
        events = []
        for module_id in ids:
            if module_id in found:
                change, sentence = applied(work, row, found[module_id])
                changes += change
                events.append(('instance_create.module', sentence))
        return Done(changes=changes, events=events)


class AppliedAgain(Step[args.ReapplyModule, facts.ReapplyModule]):
    """The module is applied to all selected instances, in batches."""

    gives = frozenset({'last_instance', 'applied', 'left_out'})

    def run(self, work: Work[args.ReapplyModule, facts.ReapplyModule]) -> Done | Wait:
        module = work.resource
        if module is None:
            raise exception.StepFailed('The module was deleted.', code='not_found')
        batch = work.tools.read(modules.instances_of, module.id, work.args['tenant_id'],
                                limit=work.args['batch_size'], marker=work.facts.get(
                                    'last_instance',
                                    ''), include_clustered=work.args['include_clustered'],
                                md5=work.args['md5'],
                                other_than_md5=None if work.args['force'] else module.md5)
        changes: list[Change] = []
        events = []
        for instance_id in batch:
            row = work.tools.read(instances.get, instance_id)
            if row is None:
                continue
            change, sentence = applied(work, row, module)
            changes += change
            if not change:
                events.append(('module_reapply.left_out', sentence))
        facts = {'last_instance': batch[-1] if batch else work.facts.get('last_instance', ''),
                 'applied': work.facts.get('applied', 0) + len(changes),
                 'left_out': work.facts.get('left_out', 0) + len(events)}
        if len(batch) < work.args['batch_size']:
            return Done(facts=facts, changes=changes, events=events,
                        note=f'{facts["applied"]} applied, {facts["left_out"]} left out')
        return Wait(max(0.1, work.args['batch_delay']), at_most=24 * 3600, code='deadline_exceeded',
                    reason='the next batch of instances', facts=facts, changes=changes)


def applied(work: Work, row: Row, module: Row) -> tuple[list[Change], str]:
    """Apply a module to an instance.

    :returns: the row changes, empty when the module was not applied; and a sentence about it.
    """
    if states.is_expired(row.service_status_updated, work.tools.clock(),
                         heartbeat_expiry(work.tools.conf)):
        return [], (
            f'Module {module.name} was not applied to instance {row.id}: its agent has not '
            f'reported for too long.')
    try:
        result = _apply(work, row, module)
    except exception.TroveError as error:
        return [], f'Module {module.name} was not applied to instance {row.id}: {error.message}'
    if result['status'] != messages.MODULE_OK:
        return [], (f'Module {module.name} was not applied to instance {row.id}: '
                    f'{result.get("message")}')
    link = functools.partial(modules.link, instance_id=row.id, module_id=module.id, md5=module.md5,
                             now=work.tools.clock())
    return [link], f'Module {module.name} was applied.'


def _apply(work: Work, row: Row, module: Row) -> dict[str, Any]:
    sealed = work.tools.read(modules.contents, module.id)
    if not sealed:
        raise exception.StepFailed('it was deleted.', code='not_found')
    message = messages.ApplyModule.of(module, work.tools.keys.open(module.id, sealed).decode())
    reply = work.tools.guest(row).call(message, PATIENCE)
    [result] = messages.checked_modules([reply.get('module')])
    return result
