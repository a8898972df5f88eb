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

"""Data volume of a running guest: released for a while, mounted again, grown."""

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

#: Seconds the machine may take to see a device or its new size.
DEVICE_WAIT = 60
ONLINE, OFFLINE = 'online', 'offline'
_FAILURES = (VolumeError, ProcessFailed, EngineError, OSError)


class DataVolume:
    """Actions on the volume after the preparation. Each may be repeated."""

    def __init__(self, machine: Machine, lifecycle: Lifecycle, preparation: Preparation) -> None:
        self._machine = machine
        self._lifecycle = lifecycle
        self._preparation = preparation
        #: File that exists while the volume is released: only a command mounts it then.
        self._released = machine.runtime_file('volume-released')

    def resume(self) -> None:
        """Mount the volume after a start of the agent unless the volume is released."""
        if not os.path.exists(self._released):
            self._preparation.remount_volume()

    def is_released(self) -> bool:
        """Return whether the volume was released and not requested since."""
        return os.path.exists(
            self._released) and not self._machine.is_mounted(self._preparation.state().mount_point)

    def release(self, timeout: float, progress: Callable[[str], None]) -> None:
        """Stop the engine and unmount the volume.

        :raises GuestError: the engine did not stop, or the volume could not be unmounted.
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
        """:raises GuestError: the volume could not be mounted."""
        files.remove(self._released)
        try:
            self._preparation.remount_volume()
        except _FAILURES as error:
            raise _failed('The data volume could not be mounted', error) from None

    def grow(self, size: int, timeout: float, progress: Callable[[str], None]) -> str:
        """Grow the file system to the size of its device, and start the engine.

        :param size: GB the device must have.
        :returns: ONLINE if the engine kept running meanwhile, else OFFLINE.
        :raises GuestError: the file system has its former size; the engine was started if possible.
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
            # A container lacks the capability for the ioctl; old kernels and some layouts cannot.
            LOG.warning(
                'The file system cannot be grown while it is mounted; stopping the engine: %s',
                refused)
        self._lifecycle.stop(timeout)
        self._machine.unmount_volume(mount_point)
        self._machine.grow_volume(volume_id, device_path, mount_point, mounted=False,
                                  timeout=timeout)
        self._preparation.remount_volume()
        return OFFLINE

    def _start_and_wait(self, timeout: float) -> None:
        """Start the engine after a failure, in whatever state the volume is."""
        try:
            self._preparation.remount_volume()
            self._lifecycle.start(timeout)
        except _FAILURES:
            LOG.exception('The engine could not be started after a failure')


def _failed(what: str, error: Exception) -> exception.GuestError:
    reason = getattr(error, 'message', None) or str(error)
    return exception.GuestError(f'{what}: {reason}', code='guest_volume_failed')
