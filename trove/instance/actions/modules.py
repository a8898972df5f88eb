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

"""Modules applied to an instance: selection and order."""

from collections.abc import Iterable
from typing import Any

from trove.common import exception
from trove.db import modules, session
from trove.db.session import Row


def requested(context: Any, module_ids: Iterable[str], datastore_id: str | None,
              version_id: str | None) -> list[Row]:
    """Return the modules that a request names, as far as the caller may see them.

    :raises trove.common.exception.BadRequest: a module is for another datastore or version.
    """
    ids = {module_id.lower() for module_id in module_ids}
    found = session.read(modules.by_ids, ids,
                         None if context.is_admin else context.project_id) if ids else []
    for module in found:
        check_fits(module, datastore_id, version_id)
    return list(found)


def of_new_instance(context: Any, module_ids: Iterable[str], version: Row) -> list[str]:
    """Return the ids of a new instance's modules in order: the requested and the automatic ones.

    :raises trove.common.exception.BadRequest: a module is for another datastore or version.
    """
    named = requested(context, module_ids, version.datastore_id, version.id)
    known = {module.id for module in named}
    automatic = session.read(modules.automatic, context.project_id, version.datastore_id,
                             version.id)
    return [
        module.id for module in in_order(
            [*named, *(module for module in automatic if module.id not in known)])
    ]


def in_order(found: Iterable[Row]) -> list[Row]:
    """Return modules in the order in which they are applied: priority, position, age."""
    return sorted(
        found, key=lambda module:
        (not module.priority_apply, module.apply_order, module.created, module.id))


def check_fits(module: Row, datastore_id: str | None, version_id: str | None) -> None:
    """Refuse a module of another datastore or version.

    :raises trove.common.exception.BadRequest: the module does not fit.
    """
    if module.datastore_id not in (None, datastore_id):
        raise exception.BadRequest(
            f'Module {module.id} is for another datastore ({module.datastore_name}).')
    if module.datastore_version_id not in (None, version_id):
        raise exception.BadRequest(
            f'Module {module.id} is for another datastore version ({module.version_name}).')
