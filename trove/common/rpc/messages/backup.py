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

"""Report of a guest about a backup."""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base

#: States a guest may report; NEW and the deletion states belong to the control plane.
GUEST_STATES = ('BUILDING', 'SAVING', 'COMPLETED', 'FAILED')


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpdateBackup(base.Message):
    """Report. Null fields leave the stored values unchanged.

    :param size: GB.
    :param location: path of the backup in the object store.
    """
    KIND: ClassVar[str] = 'UpdateBackup'

    backup_id: str = base.required(base.identifier())
    state: str = base.required(base.one_of(*GUEST_STATES))
    size: float | None = base.optional(base.nullable(base.number()))
    checksum: str | None = base.optional(base.nullable(base.text(128)))
    location: str | None = base.optional(base.nullable(base.text(1024)))
    backup_type: str | None = base.optional(base.nullable(base.text(32,
                                                                    pattern=r'[A-Za-z0-9_\-]*')))
