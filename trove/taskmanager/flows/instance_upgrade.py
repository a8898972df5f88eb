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

"""Have an instance go over to another version of its datastore.

Args: ``image_id`` and ``former_image_id``, ``version`` and ``former_version``, each ``{"id", "name", "number"}``. The
image is the version: the server is given that of the other one, and its guest takes over the data on the volume. The
row names the desired version beside the current one until the end, when it is either the current one or forgotten.

Everything that fails leads back to the former image with the configuration it had.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import reimage


def succeeded(work: Work) -> Sequence[Change]:
    """The instance is of the version that was desired."""
    return [
        base.changed(work, datastore_version_id=work.args['version']['id'],
                     desired_version_id=None),
        base.fault_cleared(work)
    ]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """It is of the version it was; the reason is kept."""
    return [*cancelled(work), base.fault(work, text, detail)]


def cancelled(work: Work) -> Sequence[Change]:
    """No other version is desired any more."""
    return [base.changed(work, desired_version_id=None)]


FLOW = Flow(
    kind='instance_upgrade', version=1, title='Changing the datastore version',
    resource_type='instance', steps=(
        reimage.ServerTakesImages(),
        reimage.DataHandedOver(),
        reimage.ServerRebuilt(),
        reimage.AgentOfNewImage(),
        reimage.DataTakenOver(),
        guest.Healthy(),
    ), load=instances.get, succeeded=succeeded, failed=failed, cancellable=True,
    cancelled=cancelled)
