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

"""Give the server of an instance another image, for administrators.

Args: ``image_id`` and ``former_image_id``. The volume stays, and with it data, users and the choice of logs; the
configuration is rendered anew. A guest that does not work is a reason for a rebuild, so one that does not answer is
not waited for. Failing, the instance has its former image again.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import reimage


def succeeded(work: Work) -> Sequence[Change]:
    """The instance works, whatever it was in ERROR for."""
    return [base.changed(work, error_code=None), base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept, unless the instance is in ERROR for another; server and agent decide what is shown."""
    return base.fault_beside(work, text, detail)


FLOW = Flow(
    kind='instance_rebuild', version=1, title='Rebuilding the server', resource_type='instance',
    steps=(
        reimage.ServerTakesImages(),
        reimage.DataHandedOverIfItListens(),
        reimage.ServerRebuilt(),
        reimage.AgentOfNewImage(),
        reimage.DataTakenOver(),
        guest.Healthy(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
