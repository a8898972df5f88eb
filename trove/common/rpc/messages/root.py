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

"""Calls about the remote root account of an instance."""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages import command


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnableRoot(command.Command):
    """Call. Answer: ``{"user": {"name", "host", "password"}}``.

    :param password: null for a generated password.
    """
    KIND: ClassVar[str] = 'EnableRoot'

    password: str | None = base.optional(base.nullable(base.text(255, shortest=1)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DisableRoot(command.Command):
    """Call. Answer: ``{}``. The account is removed and its sessions end."""
    KIND: ClassVar[str] = 'DisableRoot'
