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

"""Modules on a database server. All are calls."""

import dataclasses
from typing import Any, ClassVar, Self

from trove.common import exception
from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command

#: Maximum characters of one module's contents.
MAX_CONTENTS = 512 * 1024
MAX_MODULES = 1000
MODULE_OK, MODULE_ERROR = 'OK', 'ERROR'

_TIMESTAMP = base.text(19, pattern=r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')
_NAME = base.text(255)
#: Report about one module.
MODULE = base.needing(base.record(
    id=base.identifier(), name=_NAME, type=_NAME, md5=base.text(32, pattern='[0-9a-f]{32}'),
    status=base.one_of(MODULE_OK, MODULE_ERROR), message=base.nullable(base.text(1024, cut=True)),
    datastore=_NAME, datastore_version=_NAME, tenant=_NAME, created=base.nullable(_TIMESTAMP),
    updated=base.nullable(_TIMESTAMP), removed=base.nullable(_TIMESTAMP), auto_apply=base.flag(),
    visible=base.flag(), is_admin=base.flag(),
    contents=base.nullable(base.text(2 * MAX_CONTENTS))), 'id', 'name', 'type', 'md5', 'status')
_MODULES = base.list_of(MODULE, MAX_MODULES)


def checked_modules(reported: Any) -> list[dict[str, Any]]:
    """Return a guest's report about its modules, every field checked.

    :raises trove.common.exception.GuestError: the report is invalid.
    """
    try:
        return _MODULES('modules', reported)
    except ValueError as problem:
        raise exception.GuestError('The guest gave an answer that cannot be used.',
                                   detail=str(problem)) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListModules(Command):
    """Call. Answer: ``{"modules": [MODULE]}``, with contents on request."""
    KIND: ClassVar[str] = 'ListModules'

    include_contents: bool = base.optional(base.flag(), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApplyModule(Command):
    """Call. Apply a module with its driver. Answer: ``{"module": MODULE}``.

    ``status`` and ``message`` report a failure of the driver.

    :param contents: contents as sent to the API, base64 from every client.
    :param datastore: name, empty for all; likewise ``datastore_version`` and ``tenant``.
    """
    KIND: ClassVar[str] = 'ApplyModule'

    id: str = base.required(base.identifier())
    name: str = base.required(_NAME)
    type: str = base.required(base.text(255, pattern='[a-z0-9_.-]+'))
    contents: str = base.required(base.text(MAX_CONTENTS))
    md5: str = base.required(base.text(32, pattern='[0-9a-f]{32}'))
    datastore: str = base.optional(_NAME, '')
    datastore_version: str = base.optional(_NAME, '')
    tenant: str = base.optional(_NAME, '')
    auto_apply: bool = base.optional(base.flag(), False)
    visible: bool = base.optional(base.flag(), True)
    is_admin: bool = base.optional(base.flag(), False)

    @classmethod
    def of(cls, row: Any, contents: str) -> Self:
        """Return the command for a module.

        :param row: row of :mod:`trove.db.modules`.
        """
        return cls(id=row.id, name=row.name, type=row.type, contents=contents, md5=row.md5,
                   datastore=row.datastore_name or '', datastore_version=row.version_name or '',
                   tenant=row.tenant_id or '', auto_apply=bool(row.auto_apply),
                   visible=bool(row.visible), is_admin=bool(row.is_admin))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoveModule(Command):
    """Call. Remove a module. Answer: ``{}``.

    Failures: guest_not_found_module.
    """
    KIND: ClassVar[str] = 'RemoveModule'

    id: str = base.required(base.identifier())
    type: str = base.required(base.text(255, pattern='[a-z0-9_.-]+'))
