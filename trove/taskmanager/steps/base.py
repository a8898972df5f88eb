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

"""What the steps on instances have in common: the instance's row, its cloud, and how deletes insist."""

import functools
from collections.abc import Sequence
from typing import Any

from trove.cloud import Cloud
from trove.common import exception
from trove.db import instance_addresses, instance_faults, instances
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work

#: Seconds before the deadline of an operation at which its steps give up.
MARGIN = 5


def instance(work: Work) -> Row:
    """The instance as it is now.

    :raises StepFailed: it was deleted.
    """
    if work.resource is None:
        raise exception.StepFailed(code='instance_missing')
    return work.resource


def cloud(work: Work) -> Cloud:
    """The cloud of the instance's region, as the service user sees it."""
    return work.tools.cloud(work.resource.region_id if work.resource is not None else None)


def time_left(work: Work, total: int) -> float:
    """Seconds until ``total`` seconds have gone by since the operation was asked for, less what it takes to say so.

    A step that gives up by itself, a little before the runner would, can say more about the reason.
    """
    return total - MARGIN - (work.tools.clock() - work.created).total_seconds()


def changed(work: Work, **columns: Any) -> Change:
    """A change of columns of the instance."""
    return functools.partial(_change, instance_id=work.resource_id, now=work.tools.clock(),
                             columns=columns)


def unchanged(work: Work, *reason: str) -> Sequence[Change]:
    """The end of an operation that leaves its resource what it was; of a failure it and its last event tell.

    :param reason: code, text and detail of a failure.
    """
    return ()


def _change(connection: Any, instance_id: str, now: Any, columns: dict[str, Any]) -> None:
    instances.change(connection, instance_id, now, **columns)


def addresses(work: Work, kind: str, found: list[dict[str, Any]]) -> Change:
    """The stored addresses of one kind become ``found``."""
    def change(connection: Any) -> None:
        instance_addresses.replace(connection, work.resource_id, found, [kind])
    return change


def fault(work: Work, text: str, detail: str) -> Change:
    """The last failure of the instance; ``detail`` is for operators."""
    def change(connection: Any) -> None:
        instance_faults.store(connection, work.resource_id, text, detail or None, work.tools.clock())
    return change


def fault_cleared(work: Work) -> Change:
    """The instance has no failure any more."""
    return functools.partial(_clear_fault, instance_id=work.resource_id)


def _clear_fault(connection: Any, instance_id: str) -> None:
    instance_faults.clear(connection, instance_id)


def fault_beside(work: Work, text: str, detail: str) -> list[Change]:
    """The last failure, unless the instance is in ERROR for an earlier one: that is worse, and stays."""
    return [] if instance(work).error_code else [fault(work, text, detail)]


def fault_beside_cleared(work: Work) -> list[Change]:
    """What :func:`fault_beside` has written is over."""
    return [] if instance(work).error_code else [fault_cleared(work)]


def failing_as(code: str, error: exception.CloudError) -> exception.CloudError:
    """The same failure under the code of the thing that could not be made; quotas keep their own."""
    if not isinstance(error, exception.CloudQuotaExceeded):
        error.code = code
    return error


class Removal(Step[args.Nothing, facts.Nothing]):
    """Ensures that something is gone, and insists.

    Whatever the cloud answers, it is asked again, with growing pauses, until the operation's deadline. Only when all is
    gone may an instance count as deleted.
    """

    attempts = None
    #: what is waited for, as the end of "timed out waiting for …"
    what = ''

    def remaining(self, work: Work) -> list[str]:
        """Ask for all of it to be removed. :returns: what is still there, for the operator."""
        raise NotImplementedError

    def changes(self, work: Work) -> list[Change]:
        """What to write when all of it is gone."""
        return []

    def run(self, work: Work) -> Done | Wait:
        try:
            left = self.remaining(work)
        except exception.CloudError as error:
            raise exception.StepFailed(error.message, code='leftovers', detail=error.detail,
                                       retriable=True) from error
        if left:
            return Wait(pause(work), at_most=work.tools.conf.delete_deadline, code='leftovers',
                        reason=f'{self.what} to go: {", ".join(left)}')
        return Done(changes=self.changes(work))


def next_look(work: Work) -> float:
    """Seconds until the cloud is asked again whether it has made something: a small part of what it took so far.

    Many operations wait at the same time, and each look is a request and two transactions.
    """
    return min(2.0, 0.3 + 0.15 * work.waited)


def pause(work: Work) -> float:
    """Seconds until a removal is looked at again: short at first, longer the longer it takes."""
    return min(float(work.tools.conf.taskmanager.delete_retry_limit), max(0.5, work.waited / 4))
