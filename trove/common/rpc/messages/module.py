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

#: Characters of the contents of one module.
MAX_CONTENTS = 512 * 1024
MAX_MODULES = 1000
MODULE_OK, MODULE_ERROR = 'OK', 'ERROR'

_MOMENT = base.text(19, pattern=r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')
_NAME = base.text(255)
#: What a guest tells of a module.
MODULE = base.needing(base.record(
    id=base.identifier(), name=_NAME, type=_NAME, md5=base.text(32, pattern='[0-9a-f]{32}'),
    status=base.one_of(MODULE_OK, MODULE_ERROR), message=base.nullable(base.text(1024, cut=True)), datastore=_NAME,
    datastore_version=_NAME, tenant=_NAME, created=base.nullable(_MOMENT), updated=base.nullable(_MOMENT),
    removed=base.nullable(_MOMENT), auto_apply=base.flag(), visible=base.flag(), is_admin=base.flag(),
    contents=base.nullable(base.text(2 * MAX_CONTENTS))), 'id', 'name', 'type', 'md5', 'status')
_MODULES = base.list_of(MODULE, MAX_MODULES)


def checked_modules(told: Any) -> list[dict[str, Any]]:
    """What a guest told of its modules, every field checked: a guest may be anybody's.

    :raises trove.common.exception.GuestError: it cannot be used.
    """
    try:
        return _MODULES('modules', told)
    except ValueError as problem:
        raise exception.GuestError('The guest gave an answer that cannot be used.', detail=str(problem)) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListModules(Command):
    """Call. Answer: ``{"modules": [MODULE]}``, with contents when asked for."""
    KIND: ClassVar[str] = 'ListModules'

    include_contents: bool = base.optional(base.flag(), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApplyModule(Command):
    """Call. Give the contents of a module to its driver. Answer: ``{"module": MODULE}``; a driver that fails says so
    in ``status`` and ``message``.

    :param contents: as they were sent to the API, which is base64 from every client.
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
        """What a guest is told of a module. :param row: of :mod:`trove.db.modules`."""
        return cls(id=row.id, name=row.name, type=row.type, contents=contents, md5=row.md5,
                   datastore=row.datastore_name or '', datastore_version=row.version_name or '',
                   tenant=row.tenant_id or '', auto_apply=bool(row.auto_apply), visible=bool(row.visible),
                   is_admin=bool(row.is_admin))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoveModule(Command):
    """Call. Take a module away again. Answer: ``{}``.

    Failures: guest_not_found_module.
    """
    KIND: ClassVar[str] = 'RemoveModule'

    id: str = base.required(base.identifier())
    type: str = base.required(base.text(255, pattern='[a-z0-9_.-]+'))
