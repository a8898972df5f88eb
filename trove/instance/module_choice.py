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

"""Which modules an instance is given, and in which order."""

from collections.abc import Iterable
from typing import Any

from trove.common import exception
from trove.db import modules, session
from trove.db.session import Row


def named(context: Any, module_ids: Iterable[str], datastore_id: str | None,
          version_id: str | None) -> list[Row]:
    """The modules that a request names. What the caller does not see is not there.

    :raises trove.common.exception.BadRequest: one is for another datastore or version.
    """
    ids = {module_id.lower() for module_id in module_ids}
    found = session.read(modules.by_ids, ids,
                         None if context.is_admin else context.project_id) if ids else []
    for module in found:
        check_fits(module, datastore_id, version_id)
    return list(found)


def of_new_instance(context: Any, module_ids: Iterable[str], version: Row) -> list[str]:
    """Ids of the modules of a new instance in their order: those of the request, and those that all are given.

    :raises trove.common.exception.BadRequest: one is for another datastore or version.
    """
    wanted = named(context, module_ids, version.datastore_id, version.id)
    known = {module.id for module in wanted}
    given = session.read(modules.automatic, context.project_id, version.datastore_id, version.id)
    return [
        module.id
        for module in in_order([*wanted, *(module for module in given if module.id not in known)])
    ]


def in_order(found: Iterable[Row]) -> list[Row]:
    """Those with priority first, then by their place, then as they were made."""
    return sorted(
        found, key=lambda module:
        (not module.priority_apply, module.apply_order, module.created, module.id))


def check_fits(module: Row, datastore_id: str | None, version_id: str | None) -> None:
    """:raises trove.common.exception.BadRequest: a module is for another datastore or version."""
    if module.datastore_id not in (None, datastore_id):
        raise exception.BadRequest(
            f'Module {module.id} is for another datastore ({module.datastore_name}).')
    if module.datastore_version_id not in (None, version_id):
        raise exception.BadRequest(
            f'Module {module.id} is for another datastore version ({module.version_name}).')
