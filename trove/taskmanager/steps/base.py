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

"""Common parts of steps on instances: the instance's row, its cloud, and persistent removal."""

import functools
from collections.abc import Sequence
from typing import Any

from trove.cloud import Cloud
from trove.common import exception
from trove.db import instance_addresses, instance_faults, instances
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work

#: Seconds before the deadline of an operation at which its steps fail.
MARGIN = 5


def instance(work: Work) -> Row:
    """Return the current row of the instance.

    :raises StepFailed: the instance was deleted.
    """
    if work.resource is None:
        raise exception.StepFailed(code='instance_missing')
    return work.resource


def cloud(work: Work) -> Cloud:
    """Return the cloud of the instance's region, with the credentials of the service."""
    return work.tools.cloud(work.resource.region_id if work.resource is not None else None)


def time_left(work: Work, total: int) -> float:
    """Return the seconds until ``total`` seconds after the request, less :data:`MARGIN`.

    A step that fails by itself a little before the runner would can report a more exact reason.
    """
    return total - MARGIN - (work.tools.clock() - work.created).total_seconds()


def changed(work: Work, **columns: Any) -> Change:
    """Return a change of columns of the instance."""
    return functools.partial(_change, instance_id=work.resource_id, now=work.tools.clock(),
                             columns=columns)


def unchanged(work: Work, *reason: str) -> Sequence[Change]:
    """Return no changes, for an operation that ends and does not affect its resource.

    :param reason: code, text and detail of a failure, which the operation and its last event
        report.
    """
    return ()


def _change(connection: Any, instance_id: str, now: Any, columns: dict[str, Any]) -> None:
    instances.change(connection, instance_id, now, **columns)


def addresses(work: Work, kind: str, found: list[dict[str, Any]]) -> Change:
    """Return a change that replaces the stored addresses of one kind."""
    def change(connection: Any) -> None:
        instance_addresses.replace(connection, work.resource_id, found, [kind])
    return change


def fault(work: Work, text: str, detail: str) -> Change:
    """Return a change that records the last failure of the instance.

    :param detail: for operators.
    """
    def change(connection: Any) -> None:
        instance_faults.store(connection, work.resource_id, text, detail or None,
                              work.tools.clock())
    return change


def fault_cleared(work: Work) -> Change:
    """Return a change that clears the last failure of the instance."""
    return functools.partial(_clear_fault, instance_id=work.resource_id)


def _clear_fault(connection: Any, instance_id: str) -> None:
    instance_faults.clear(connection, instance_id)


def fault_beside(work: Work, text: str, detail: str) -> list[Change]:
    """Return a change that records a failure, unless the instance is in ERROR for an earlier one.
    """
    return [] if instance(work).error_code else [fault(work, text, detail)]


def fault_beside_cleared(work: Work) -> list[Change]:
    """Return a change that clears a failure recorded by :func:`fault_beside`."""
    return [] if instance(work).error_code else [fault_cleared(work)]


def failing_as(code: str, error: exception.CloudError) -> exception.CloudError:
    """Return the error under the code of the resource in question; quota errors keep their code."""
    if not isinstance(error, exception.CloudQuotaExceeded):
        error.code = code
    return error


class Removal(Step[args.Nothing, facts.Nothing]):
    """A step that ensures that a resource is gone.

    The cloud is requested again after each refusal, with growing pauses, until the operation's
    deadline. An instance counts as deleted only when all its resources are gone.
    """

    attempts = None
    #: Subject of the wait: the end of "timed out waiting for …".
    what = ''

    def remaining(self, work: Work) -> list[str]:
        """Request the removal of all resources.

        :returns: the remaining resources, for the operator.
        """
        raise NotImplementedError

    def changes(self, work: Work) -> list[Change]:
        """Return the row changes when all resources are gone."""
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
    """Return the seconds until the cloud is polled again for a new resource.

    The pause grows with the time waited: many operations wait at the same time, and each poll costs
    a request and two transactions.
    """
    return min(2.0, 0.3 + 0.15 * work.waited)


def pause(work: Work) -> float:
    """Return the seconds until a removal is polled again; they grow with the time waited."""
    return min(float(work.tools.conf.taskmanager.delete_retry_limit), max(0.5, work.waited / 4))
