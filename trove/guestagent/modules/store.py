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

"""Modules of this server, on the data volume, so that they survive the machine."""

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.modules import drivers
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine

_ABOUT, _CONTENTS = 'about.json', 'contents'


class Modules:
    """Applied modules, each in its own directory.

    :param directory: returns the parent directory of all modules.
    """

    def __init__(self, machine: Machine, directory: Callable[[], str],
                 known: dict[str, drivers.Driver] | None = None) -> None:
        self._machine = machine
        self._directory = directory
        self._drivers = drivers.DRIVERS if known is None else known

    def list(self, command: messages.ListModules) -> dict[str, Any]:
        """Return the modules in the order in which they were first applied."""
        directory = self._directory()
        found = []
        for name in sorted(os.listdir(directory) if os.path.isdir(directory) else ()):
            about = files.read_json(os.path.join(directory, name, _ABOUT))
            if about:
                contents = files.read(os.path.join(directory, name,
                                                   _CONTENTS)) if command.include_contents else None
                found.append({**about, 'contents': contents})
        return {'modules': sorted(found, key=lambda module: (module['created'], module['id']))}

    def apply(self, command: messages.ApplyModule) -> dict[str, Any]:
        """Pass the contents to the driver and record the result. A refusal is a result, not an
        error.
        """
        data = command.contents.encode()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != command.md5:
            raise exception.GuestError('The contents of the module are not those that were sent.',
                                       code='guest_invalid_message')
        status, message = self._run_driver(command)
        former, now = self._about(command.id), _now()
        about = {
            'id': command.id,
            'name': command.name,
            'type': command.type,
            'md5': command.md5,
            'datastore': command.datastore,
            'datastore_version': command.datastore_version,
            'tenant': command.tenant,
            'status': status,
            'message': message,
            'created': former.get('created', now),
            'updated': now,
            'removed': None,
            'auto_apply': command.auto_apply,
            'visible': command.visible,
            'is_admin': command.is_admin
        }
        place = self._place(command.id)
        self._machine.directory(self._directory(), mode=0o700)
        self._machine.directory(place, mode=0o700)
        files.write(os.path.join(place, _CONTENTS), command.contents, mode=0o600)
        files.write_json(os.path.join(place, _ABOUT), about)
        return {'module': {**about, 'contents': None}}

    def _run_driver(self, command: messages.ApplyModule) -> tuple[str, str]:
        driver = self._drivers.get(command.type)
        if driver is None:
            return messages.MODULE_ERROR, ('This server has no driver for modules of type '
                                           f'{command.type}.')
        try:
            return messages.MODULE_OK, driver.apply(drivers.decoded(command.contents))
        except drivers.ModuleRefused as refusal:
            return messages.MODULE_ERROR, str(refusal)

    def remove(self, command: messages.RemoveModule) -> dict[str, Any]:
        """:raises GuestError: guest_not_found_module, or the driver refused."""
        place = self._place(command.id)
        about = self._about(command.id)
        if not about:
            raise exception.GuestError(f'Module {command.id} cannot be found on the instance.',
                                       code='guest_not_found_module')
        driver = self._drivers.get(about['type'])
        if driver is not None and about['status'] == messages.MODULE_OK:
            try:
                driver.remove(drivers.decoded(files.read(os.path.join(place, _CONTENTS)) or ''))
            except drivers.ModuleRefused as refusal:
                raise exception.GuestError(str(refusal)) from None
        # A module without its description does not exist, even if removing the rest fails.
        os.unlink(os.path.join(place, _ABOUT))
        shutil.rmtree(place)
        return {}

    def _place(self, module_id: str) -> str:
        return os.path.join(self._directory(), module_id)

    def _about(self, module_id: str) -> dict[str, Any]:
        return files.read_json(os.path.join(self._place(module_id), _ABOUT))


def _now() -> str:
    return datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S')
