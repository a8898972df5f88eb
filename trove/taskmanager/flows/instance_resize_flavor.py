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

"""Give an instance another flavor.

Args: ``flavor`` and ``former``: ``{"id", "name", "ram", "vcpus"}`` with RAM in MB; ``quota``: ``{"ram": MB}`` that were
taken when it was asked for, nothing for a smaller flavor. A smaller flavor gives back in the transaction in which the
instance has it.

The confirmation is the last step: until then everything that fails leads back to the former flavor, the former
configuration and a running engine. The data volume stays where it is.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import flavor_resize
from trove.taskmanager.steps import guest


def succeeded(work: Work) -> Sequence[Change]:
    """The instance has another size."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; server and agent decide what is shown."""
    return [base.fault(work, text, detail)]


FLOW = Flow(
    kind='instance_resize_flavor', version=1, title='Changing the flavor', resource_type='instance',
    steps=(
        flavor_resize.ServerReady(),
        flavor_resize.EngineStopped(),
        flavor_resize.ServerResized(),
        flavor_resize.EngineStarted(),
        guest.Healthy(),
        flavor_resize.ResizeConfirmed(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
