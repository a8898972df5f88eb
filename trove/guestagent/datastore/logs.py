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

"""Logs of a guest: listed with their sizes, switched on and off, uploaded to the object store in
pieces.

The data volume records how far each log was uploaded, and from which file. The name of an object is
recorded before its upload, so a repetition after a crash replaces the first attempt.
"""

import dataclasses
import datetime
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.datastore.configuration import Configuration
from trove.guestagent.datastore.engine import SYS, USER, Engine, EngineError, Log, Place
from trove.guestagent.datastore.log_file import (
    HEADER, LogFile, NotReadable, Published, lines_in, text_of)
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.process import ProcessFailed
from trove.guestagent.system.web import WebError

LOG = logging.getLogger(__name__)

#: The agent's own log, for administrators.
AGENT = Log('guest', SYS, unit='trove-guestagent')
#: Bytes at which a new file is begun; one former file is kept.
ROTATE_AT = 100 * 1024 * 1024
_FORMER = '.1'
_UPLOAD_TIMEOUT = 60
_NAME = 'log-%Y-%m-%dT%H:%M:%S.%f'
#: Equal values in option files of engines.
_SPELLINGS = {'1': 'on', 'true': 'on', 'yes': 'on', '0': 'off', 'false': 'off', 'no': 'off'}


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Logs:
    """Logs of one engine and of the agent. Safe for threads.

    :param place: returns where the data are; None while the volume is not mounted.
    :param now: wall clock, for names of objects.
    """

    def __init__(self, engine: Engine, machine: Machine, configuration: Configuration,
                 place: Callable[[], Place | None], *, rotate_at: int = ROTATE_AT,
                 now: Callable[[], datetime.datetime] = utc_now) -> None:
        self._engine = engine
        self._machine = machine
        self._configuration = configuration
        self._place = place
        self._rotate_at = rotate_at
        self._now = now
        self._lock = threading.RLock()
        self._logs = {log.name: log for log in (*engine.description.logs, AGENT)}

    # --- listing ----------------------------------------------------------------------------------

    def entries(self) -> list[dict[str, Any]]:
        """Return all logs, as :data:`trove.common.rpc.messages.log.LOG` has them, sorted by name.
        """
        return [self.entry(self._logs[name]) for name in sorted(self._logs)]

    def entry(self, log: Log) -> dict[str, Any]:
        """Return the entry of one log."""
        published, size, rotated = self._published(log), None, False
        try:
            with self._open(log) as opened:
                size, rotated = opened.size, opened.was_rotated(published)
        except NotReadable as reason:
            LOG.debug('Log %s: %s', log.name, reason)
        pending = (size or 0) if rotated or size is None else size - published.size
        return {'name': log.name, 'type': log.type, 'published': published.size, 'pending': pending,
                'stored': bool(published.first),
                'status': self._status(log, size is not None, rotated, published.size, pending)}

    def _status(self, log: Log, readable: bool, rotated: bool, published: int, pending: int) -> str:
        if log.type == USER:
            if (log.on.keys() | log.off.keys()) & set(self._configuration.pending_restart()):
                return 'Restart Required'
            if not self._is_on(log):
                return 'Disabled'
        if not readable:
            return 'Unavailable'
        if rotated:
            return 'Rotated'
        if pending:
            return 'Partial' if published else 'Ready'
        return 'Published' if published else 'Enabled'

    def _is_on(self, log: Log) -> bool:
        options = self._configuration.options()
        return bool(log.on) and all(
            _same(options.get(name), value) for name, value in log.on.items())

    def _named(self, name: str) -> Log:
        if name not in self._logs:
            raise exception.GuestError(f'The instance has no log {name}.',
                                       code='guest_not_found_log')
        return self._logs[name]

    # --- switching --------------------------------------------------------------------------------

    def switch(self, name: str, on: bool) -> dict[str, Any]:
        """Switch a log on or off and return its entry; no change is no error.

        :raises GuestError: no such log, a log that is always on, or the tenant's options
            contradict.
        """
        log = self._named(name)
        if log.type != USER:
            raise exception.GuestError(f'The log {name} cannot be switched on or off.',
                                       code='guest_not_supported')
        place = self._require_place()
        if log.file and on:
            described = self._engine.description
            self._machine.directory(place.log_directory, mode=0o750, user=described.os_user,
                                    group=described.os_group)
        with self._lock:
            former = self._configuration.logs()
            try:
                self._apply(log, on, former)
            except BaseException:
                self._configuration.write_logs(former)
                raise
        LOG.info('The log %s is switched %s', name, 'on' if on else 'off')
        return self.entry(log)

    def _apply(self, log: Log, on: bool, former: dict[str, str]) -> None:
        configuration = self._configuration
        before = configuration.options()
        requested = {**former, **(log.on if on else log.off)}
        if log.needs_restart:
            configuration.write_logs(requested)
        else:
            with configuration.changing():
                configuration.write_logs(requested)
                after = configuration.options()
                changes = {
                    name: after.get(name)
                    for name in requested
                    if after.get(name) != before.get(name)
                }
                if changes:
                    applied = self._engine.apply_options(changes)
                    configuration.note_taken(applied)
                    if applied.refused:
                        raise EngineError('The engine refuses to switch the log: '
                                          f'{"; ".join(applied.refused.values())}')
        if self._is_on(log) != on:
            raise EngineError(
                f'The configuration group of the instance decides whether the log {log.name} is '
                f'on: it sets one of {", ".join(sorted(log.on))}.')

    # --- upload -----------------------------------------------------------------------------------

    def publish(self, command: messages.PublishLog, progress: Callable[[str], None],
                expired: Callable[[], bool]) -> dict[str, Any]:
        """Upload what was not uploaded yet.

        :param expired: returns whether the deadline has passed.
        :returns: ``log``, its entry; ``first``, the name of the first object of the current file;
            ``file``, ``size`` and ``digest`` of what was uploaded, for the record beside it.
        :raises GuestError: the upload failed; earlier objects stay and are not uploaded again.
        """
        log = self._named(command.name)
        progress('publish')
        try:
            with self._open(log) as opened:
                published = self._published(log)
                if command.start_over or opened.was_rotated(published):
                    published = Published(last=published.last)
                published = self._store(log, opened, published, command, expired)
        except NotReadable as reason:
            raise exception.GuestError(f'The log {log.name} cannot be read: {reason}.',
                                       code='guest_log_failed') from None
        return {
            'log': self.entry(log),
            'first': published.first,
            'file': log.file or f'{log.name} of the journal',
            'size': published.size,
            'digest': published.digest
        }

    def _store(self, log: Log, opened: LogFile, published: Published, command: messages.PublishLog,
               expired: Callable[[], bool]) -> Published:
        while published.size < opened.size:
            if expired():
                raise exception.GuestError(
                    f'The log {log.name} is not stored completely yet; publish it again.',
                    code='guest_log_failed')
            end, name = published.storing, published.last
            if not end:
                end, name = opened.piece_end(published.size,
                                             command.piece), self._next_name(published.last)
                if end == published.size:
                    break
                published = dataclasses.replace(published, storing=end, last=name,
                                                inode=opened.inode)
                self._note(log, published)
            self._upload(command, name, text_of(opened.read(published.size, end)))
            header = min(HEADER, end)
            published = dataclasses.replace(published, size=end, storing=0, first=published.first
                                            or name, header=header, digest=opened.digest(header))
            self._note(log, published)
        return published

    def _upload(self, command: messages.PublishLog, name: str, text: bytes) -> None:
        headers = {
            'Content-Type': 'text/plain; charset=utf-8',
            'X-Object-Meta-Lines': str(lines_in(text))
        }
        if command.expiry:
            headers['X-Delete-After'] = str(command.expiry)
        try:
            self._machine.put(f'{command.url}{name}?{command.query}', text, headers,
                              verify=command.verify, timeout=_UPLOAD_TIMEOUT,
                              authorities=command.authorities)
        except WebError as error:
            raise exception.GuestError(f'The log {command.name} could not be stored: {error}.',
                                       code='guest_log_failed') from None

    def _next_name(self, last: str) -> str:
        """Return a name that sorts after the last one, even if the clock was set back."""
        now = self._now()
        if last:
            now = max(now, datetime.datetime.strptime(last, _NAME).replace(tzinfo=datetime.UTC)
                      + datetime.timedelta(microseconds=1))
        return now.strftime(_NAME)

    def discard(self, name: str) -> dict[str, Any]:
        """Forget what was uploaded and return the entry of the log."""
        log = self._named(name)
        self._require_place()
        # Keep the name of the last object, so that new names sort after it.
        self._note(log, Published(last=self._published(log).last))
        return {'log': self.entry(log)}

    # --- the files --------------------------------------------------------------------------------

    def rotate(self) -> None:
        """Begin new files for large logs; called repeatedly while the engine is healthy."""
        place = self._place()
        if place is None:
            return
        for log in self._engine.description.logs:
            if not log.file:
                continue
            path = os.path.join(place.log_directory, log.file)
            size = os.stat(path).st_size if os.path.lexists(path) else None
            try:
                if size is not None and size > self._rotate_at:
                    LOG.info('The log %s has %d bytes; a new file is begun', log.name, size)
                    self._machine.move_aside(path, _FORMER, self._engine.description.os_user)
                    self._engine.reopen_log(log)
                elif size is None and self._is_on(log):
                    # The file was moved aside, but the engine did not get the command to reopen.
                    self._engine.reopen_log(log)
            except (EngineError, OSError) as error:
                LOG.warning('The log %s was not rotated: %s', log.name, error)

    def _open(self, log: Log) -> LogFile:
        place = self._place()
        if place is None:
            raise NotReadable('the data volume is not mounted')
        if log.file:
            return LogFile(os.path.join(place.log_directory, log.file),
                           self._machine.user_number(self._engine.description.os_user))
        return LogFile(self._exported(log, place), os.geteuid())

    def _exported(self, log: Log, place: Place) -> str:
        """Append the new journal lines of the unit to a file and return its path."""
        directory = os.path.join(place.state_directory, 'journal')
        path = os.path.join(directory, f'{log.name}.log')
        with self._lock:
            try:
                self._machine.directory(directory, mode=0o700)
                if os.path.exists(path) and os.path.getsize(path) > self._rotate_at:
                    os.replace(path, path + _FORMER)
                self._machine.unit(log.unit or self._engine.description.unit).export_journal(
                    path, os.path.join(directory, f'{log.name}.cursor'))
            except ProcessFailed as error:
                raise NotReadable(f'the journal cannot be read: {error}') from None
            except OSError as error:
                # On a full or read-only volume the lines exported before are the most useful ones.
                if not os.path.exists(path):
                    raise NotReadable(f'the journal cannot be exported: {error}') from None
                LOG.warning('New lines of %s are not exported: %s', log.name, error)
        return path

    def _require_place(self) -> Place:
        place = self._place()
        if place is None:
            raise exception.GuestError('The data volume is not mounted.', code='guest_log_failed')
        return place

    # --- state of the uploads ---------------------------------------------------------------------

    def _published(self, log: Log) -> Published:
        place = self._place()
        noted = files.read_json(self._notes(place)).get(log.name) if place else None
        return Published(**noted) if noted else Published()

    def _note(self, log: Log, published: Published) -> None:
        path = self._notes(self._require_place())
        with self._lock:
            files.write_json(path, {
                **files.read_json(path), log.name: dataclasses.asdict(published)
            })

    @staticmethod
    def _notes(place: Place) -> str:
        return os.path.join(place.state_directory, 'logs.json')


def _same(value: str | None, expected: str) -> bool:
    def plain(text: str) -> str:
        return _SPELLINGS.get(text.casefold(), text.casefold())
    return value is not None and plain(value) == plain(expected)
