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

"""Calls about the databases of an instance."""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages import command


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page(command.Command):
    """Base of list calls.

    :param limit: maximum number of items, 0 for the guest's own limit.
    :param marker: the last item of the former page.
    :param include_marker: start with the marker itself.
    """
    limit: int = base.optional(base.integer(0, 1000), 0)
    marker: str | None = base.optional(base.nullable(base.text(600)))
    include_marker: bool = base.optional(base.flag(), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListDatabases(Page):
    """Call.

    Answer: ``{"databases": [{"name", "character_set", "collate"}], "next_marker": text or null}``.
    """
    KIND: ClassVar[str] = 'ListDatabases'


@dataclasses.dataclass(frozen=True, kw_only=True)
class CreateDatabases(command.Command):
    """Call. Answer: ``{}``. A database that exists is an error (``guest_exists_database``)."""
    KIND: ClassVar[str] = 'CreateDatabases'

    databases: list[dict[str, Any]] = base.required(base.list_of(command.DATABASE, 1000))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteDatabase(command.Command):
    """Call. Answer: ``{}``."""
    KIND: ClassVar[str] = 'DeleteDatabase'

    name: str = base.required(base.text(255, shortest=1))
