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

"""The data volume of a running guest: given back for a while, mounted again, grown."""

import logging
import os
from collections.abc import Callable

from trove.common import exception
from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.prepare import Preparation
from trove.guestagent.datastore.lifecycle import Lifecycle
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.mount import VolumeError
from trove.guestagent.system.process import ProcessFailed

LOG = logging.getLogger(__name__)

#: Seconds for the machine to see a device, or that it has become larger.
DEVICE_WAIT = 60
ONLINE, OFFLINE = 'online', 'offline'
_FAILURES = (VolumeError, ProcessFailed, EngineError, OSError)


class DataVolume:
    """What is done to the volume after it was prepared. Each action may be repeated."""

    def __init__(self, machine: Machine, lifecycle: Lifecycle, preparation: Preparation) -> None:
        self._machine = machine
        self._lifecycle = lifecycle
        self._preparation = preparation
        #: There while the volume is given back on demand: nobody but a command mounts it then.
        self._released = machine.runtime_file('volume-released')

    def resume(self) -> None:
        """After a start of the agent: mount the volume unless it was given back on demand."""
        if not os.path.exists(self._released):
            self._preparation.remount_volume()

    def is_released(self) -> bool:
        """Whether the volume was given back and nobody asked for it since."""
        return os.path.exists(
            self._released) and not self._machine.is_mounted(self._preparation.state().mount_point)

    def release(self, timeout: float, progress: Callable[[str], None]) -> None:
        """Stop the engine and unmount the volume.

        :raises GuestError: it could not be.
        """
        progress('stop')
        try:
            self._lifecycle.stop(timeout)
            progress('unmount')
            files.write(self._released, '')
            self._machine.unmount_volume(self._preparation.state().mount_point)
        except _FAILURES as error:
            files.remove(self._released)
            raise _failed('The data volume could not be unmounted', error) from None

    def mount(self) -> None:
        """:raises GuestError: it could not be."""
        files.remove(self._released)
        try:
            self._preparation.remount_volume()
        except _FAILURES as error:
            raise _failed('The data volume could not be mounted', error) from None

    def grow(self, size: int, timeout: float, progress: Callable[[str], None]) -> str:
        """Let the file system fill the device, and bring the engine up.

        :param size: GB the device must have.
        :returns: whether the engine ran on meanwhile: ONLINE, or OFFLINE.
        :raises GuestError: the file system has its former size; the engine was brought up if it could be.
        """
        prepared = self._preparation.state()
        if not prepared.volume:
            raise exception.GuestError('This database server has no data volume.',
                                       code='guest_volume_failed')
        volume_id, device_path = prepared.volume['volume_id'], prepared.volume['device_path']
        files.remove(self._released)
        try:
            progress('device')
            self._machine.wait_for_size(volume_id, device_path, size, wait=DEVICE_WAIT)
            progress('mount')
            self._preparation.remount_volume()
            progress('grow')
            how = self._grow(volume_id, device_path, prepared.mount_point, timeout)
        except _FAILURES as error:
            self._start_and_wait(timeout)
            raise _failed('The file system could not be grown', error) from None
        progress('start')
        try:
            self._lifecycle.start(timeout)
        except EngineError as error:
            raise exception.GuestError(error.message, code='guest_restart_failed') from None
        return how

    def _grow(self, volume_id: str, device_path: str, mount_point: str, timeout: float) -> str:
        try:
            self._machine.grow_volume(volume_id, device_path, mount_point, mounted=True,
                                      timeout=timeout)
            return ONLINE
        except ProcessFailed as refused:
            # Containers may not: the ioctl needs a capability they lack. Old kernels and some layouts cannot.
            LOG.warning(
                'The file system is not grown while it is mounted, the engine is stopped for it: %s',
                refused)
        self._lifecycle.stop(timeout)
        self._machine.unmount_volume(mount_point)
        self._machine.grow_volume(volume_id, device_path, mount_point, mounted=False,
                                  timeout=timeout)
        self._preparation.remount_volume()
        return OFFLINE

    def _start_and_wait(self, timeout: float) -> None:
        """After a failure: whatever state the volume is in, the engine shall serve what is on it."""
        try:
            self._preparation.remount_volume()
            self._lifecycle.start(timeout)
        except _FAILURES:
            LOG.exception('The engine could not be brought up after a failure')


def _failed(what: str, error: Exception) -> exception.GuestError:
    said = getattr(error, 'message', None) or str(error)
    return exception.GuestError(f'{what}: {said}', code='guest_volume_failed')
