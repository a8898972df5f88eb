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

"""Calls about the users of an instance and their databases.

A missing host means the engine's default ("%").
"""

import dataclasses
from typing import Any
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages import command
from trove.common.rpc.messages import database

_NAME = base.text(255, shortest=1)
_HOST = base.nullable(base.text(255))


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneUser(command.Command):
    """Base of calls that name one user."""
    name: str = base.required(_NAME)
    host: str | None = base.optional(_HOST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListUsers(database.Page):
    """Call.

    Answer: ``{"users": [{"name", "host", "databases": [{"name"}]}], "next_marker": text or null}``.
    """
    KIND: ClassVar[str] = 'ListUsers'


@dataclasses.dataclass(frozen=True, kw_only=True)
class GetUser(OneUser):
    """Call. Answer: ``{"user": {"name", "host", "databases": [{"name"}]} or null}``."""
    KIND: ClassVar[str] = 'GetUser'


@dataclasses.dataclass(frozen=True, kw_only=True)
class CreateUsers(command.Command):
    """Call. Answer: ``{}``. A user that exists is an error (``guest_exists_user``)."""
    KIND: ClassVar[str] = 'CreateUsers'

    users: list[dict[str, Any]] = base.required(base.list_of(command.USER, 1000))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteUser(OneUser):
    """Call. Answer: ``{}``."""
    KIND: ClassVar[str] = 'DeleteUser'


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangePasswords(command.Command):
    """Call. Answer: ``{}``.

    :param users: ``[{"name", "host", "password"}]``.
    """
    KIND: ClassVar[str] = 'ChangePasswords'

    users: list[dict[str, Any]] = base.required(
        base.list_of(
            base.needing(base.record(name=_NAME, host=_HOST, password=base.text(255, shortest=1)),
                         'name', 'password'), 1000))


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpdateUser(OneUser):
    """Call. Answer: ``{}``.

    :param changes: any of ``{"name", "host", "password"}``.
    """
    KIND: ClassVar[str] = 'UpdateUser'

    changes: dict[str, Any] = base.required(
        base.record(name=_NAME, host=base.text(255, shortest=1),
                    password=base.text(255, shortest=1)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListAccess(OneUser):
    """Call. Answer: ``{"databases": [{"name"}]}``."""
    KIND: ClassVar[str] = 'ListAccess'


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrantAccess(OneUser):
    """Call. Answer: ``{}``.

    :param databases: names.
    """
    KIND: ClassVar[str] = 'GrantAccess'

    databases: list[str] = base.required(base.list_of(_NAME, 1000))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RevokeAccess(OneUser):
    """Call. Answer: ``{}``."""
    KIND: ClassVar[str] = 'RevokeAccess'

    database: str = base.required(_NAME)
