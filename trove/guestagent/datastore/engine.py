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

"""Interface between the agent and a database engine.

An engine is a :class:`Description` (its names, paths and capabilities) and an :class:`Engine` that
owns its SQL or commands. The rest of this package uses these two and knows no engine by name. A new
engine needs its own folder, its template folder, the image recipe and one line of the registry.

A database is ``{"name", "character_set", "collate"}``, a user ``{"name", "host", "databases":
[{"name"}]}``; a user to be created also has a ``"password"``, which is never returned.
"""

import abc
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trove.common import exception

Database = dict[str, Any]
User = dict[str, Any]


class EngineError(exception.GuestError):
    """Refusal or failure of an engine. ``code`` is a guest code of :mod:`trove.common.errors`."""
    code = 'guest_engine_error'


class EngineUnavailable(EngineError):
    """No answer of an engine. ``answering``: the server replied, but refused (no connection)."""
    code = 'guest_engine_unavailable'

    def __init__(self, message: str = '', *, answering: bool = False) -> None:
        super().__init__(message)
        self.answering = answering


class LockedOut(EngineUnavailable):
    """Running engine that refuses the agent's account; :meth:`Engine.restore_account` repairs it.
    """

    def __init__(self, message: str = "The engine refuses the agent's account.") -> None:
        super().__init__(message, answering=True)


#: Logs that are always on, and logs that a tenant switches on and off.
SYS, USER = 'SYS', 'USER'


@dataclass(frozen=True)
class Log:
    """Log of an engine, as data: its source and the options that switch it.

    The engine's account writes a ``file`` into :attr:`Place.log_directory`. The engine sets the
    path of the file in :meth:`Engine.system_options`, whether the log is on or not. A log without
    file consists of the journal lines of the ``unit``, by default the engine's own.
    """
    #: Name for users: error, general, slow_query.
    #: What users call it: error, general, slow_query.
    name: str
    #: SYS logs can only be published and discarded.
    type: str = USER
    #: Name of the file below the log directory; "" for a log in the journal.
    file: str = ''
    unit: str = ''
    #: Options that switch the log, written to the layer between the base and the tenant's.
    on: Mapping[str, str] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)
    #: True if these options need a restart of the engine.
    needs_restart: bool = False


@dataclass(frozen=True)
class Description:
    """Names, paths and capabilities of an engine, as data."""

    manager: str
    #: Packages the image recipe installs.
    packages: tuple[str, ...]
    #: systemd unit, without ``.service``.
    unit: str
    ports: tuple[int, ...]
    os_user: str
    os_group: str
    #: Default mount point of the data volume; a Prepare message may name another.
    mount_point: str
    #: Data directory below the mount point.
    data_directory: str
    #: Directory of the configuration layers, and their file names: base, tenant's, agent's.
    configuration_directory: str
    base_file: str
    user_file: str
    system_file: str
    #: Accounts and databases that tenants neither see nor use, compared without case.
    reserved_users: frozenset[str] = frozenset()
    reserved_databases: frozenset[str] = frozenset()
    #: Prefixes of names of the service's accounts.
    reserved_user_prefixes: tuple[str, ...] = ()
    #: Host of a user without a host, and of every user if hosts have no meaning.
    default_host: str = '%'
    #: True if a user belongs to a host.
    has_hosts: bool = True
    #: Supported ones of databases, users, grants and root.
    capabilities: frozenset[str] = frozenset()
    #: Lines of the [Service] section in the unit's drop-in.
    unit_settings: tuple[str, ...] = field(default=())
    #: Logs of the engine; every engine also has the agent's own log.
    logs: tuple[Log, ...] = ()
    #: File name of the switched logs' layer: sorts after ``base_file`` and before ``user_file``.
    logs_file: str = ''


@dataclass(frozen=True)
class Place:
    """Paths of an engine's data on this machine."""
    mount_point: str
    data_directory: str
    #: The agent's directory on the volume, outside the data directory, so that a restore keeps it.
    state_directory: str

    @property
    def log_directory(self) -> str:
        """Directory of the engine's log files, on the volume, so that a new root disk keeps them.
        """
        return os.path.join(self.mount_point, 'logs')


@dataclass(frozen=True)
class Facts:
    """Facts about a running engine. ``uptime`` is in seconds."""
    version: str
    uptime: int


@dataclass(frozen=True)
class Applied:
    """Outcome for options of a running engine. Each name is in exactly one of the first three."""
    #: In force now.
    taken: frozenset[str] = frozenset()
    #: In force after the next start of the engine.
    waiting: frozenset[str] = frozenset()
    #: Refused: name -> short reason.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Taken, but rounded or cut: name -> value, in the engine's words.
    adjusted: Mapping[str, str] = field(default_factory=dict)


class Engine(abc.ABC):
    """SQL and commands of one engine. All methods may raise :class:`EngineError`."""

    description: Description

    # --- data directory and configuration ---------------------------------------------------------

    @abc.abstractmethod
    def initialise(self, place: Place, timeout: float) -> None:
        """Create the data directory, completely or not at all; it does not exist yet."""

    @abc.abstractmethod
    def is_initialised(self, place: Place) -> bool:
        """Return whether the data directory has data of this engine."""

    @abc.abstractmethod
    def system_options(self, place: Place) -> dict[str, str]:
        """Return the options of the last layer, which templates and tenants cannot override."""

    @abc.abstractmethod
    def render_options(self, options: Mapping[str, str]) -> str:
        """Return a configuration file with these options."""

    @abc.abstractmethod
    def parse_options(self, text: str) -> dict[str, str]:
        """Return the options of a configuration file, as the engine reads them."""

    def option_text(self, value: bool | int | float | str) -> str:
        """Return a value of a configuration group in the engine's words, not yet quoted."""
        if isinstance(value, bool):
            return 'ON' if value else 'OFF'
        return str(value)

    @abc.abstractmethod
    def validate_configuration(self, place: Place) -> None:
        """Check with the server binary that it could start with the written files.

        Called before each restart and before options of a configuration group are applied. An
        engine without such a check checks what it can itself (names, types, bounds).

        :raises EngineError: the server could not start; contains the option and the reason.
        """

    # --- a running engine -------------------------------------------------------------------------

    @abc.abstractmethod
    def probe(self) -> None:
        """Run the smallest query, for a few seconds at most.

        :raises EngineUnavailable: no answer. :raises LockedOut: the agent's account is refused.
        """

    @abc.abstractmethod
    def facts(self) -> Facts:
        """Return version and uptime."""

    @abc.abstractmethod
    def secure(self) -> None:
        """Ensure the agent's account; remove other administrators, anonymous accounts, samples."""

    @abc.abstractmethod
    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        """Apply options from their written files to the running engine, without a restart.

        Names and values are those of :meth:`parse_options`. A refused option does not stop the
        others. A repetition has the same effect.

        :param changes: name -> value; None (no file sets the option) for the engine's default.
        :raises EngineUnavailable: the engine does not answer; some options may be in force.
        """

    @abc.abstractmethod
    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        """Return options that others changed in the running engine: name -> running value.

        Two spellings of one value (1G, 1073741824) do not differ. Options that wait for a restart
        are not included. The check runs every few heartbeats, so it must be cheap. Adjusted values
        of :meth:`apply_options` may be included; the caller removes them.

        :param expected: options of all layers together.
        """

    @abc.abstractmethod
    def restore_account(self, restart: 'Restart') -> None:
        """Restore the agent's account after a tenant with root removed it; call ``restart`` once.
        """

    # --- upgrade to another version; only for engines with something to do ------------------------
    #
    # An instance gets the image of the other version and keeps its volume. The agent of the former
    # image calls the first two methods while the engine serves, the agent of the new image the
    # other two.

    def check_upgrade(self, place: Place, version: str) -> None:
        """Refuse an upgrade that the engine of another version cannot take over.

        :param version: number of the requested version, such as ``11.4``.
        :raises EngineError: code ``guest_upgrade_refused``, with the reason. Nothing is changed.
        """

    def prepare_upgrade(self, place: Place, version: str) -> None:
        """Complete the data, so that another version can read them; the engine is stopped next.

        :param version: as for :meth:`check_upgrade`, which has accepted it.
        """

    def upgrade_data(self, place: Place, timeout: float) -> None:
        """Convert the data directory for this version, before the engine first starts on it.

        Called again after a crash; atomic unless the engine's own program is not.

        :raises EngineError: the conversion failed; the data are unchanged.
        """

    def finish_upgrade(self, place: Place, timeout: float) -> bool:
        """Run the engine's own upgrade on the running engine; called again after a crash.

        :returns: whether the upgrade changed anything.
        :raises EngineError: the upgrade failed; contains the output of the engine's program.
        """
        return False

    def recent_errors(self) -> list[str]:
        """Return the last lines of the engine's own error file, if it has one."""
        return []

    # --- logs; only for engines that describe one with a file
    # ---------------------------------------

    def reopen_log(self, log: Log) -> None:
        """Begin a new file of a log after the old one was moved aside."""
        raise NotImplementedError

    # --- databases, users, grants, root; called only if the capabilities name them
    # ------------------

    def list_databases(self) -> list[Database]:
        """Return all databases of the tenant, sorted by name."""
        raise NotImplementedError

    def create_database(self, database: Database, *, or_ignore: bool = False) -> None:
        """:param or_ignore: leave an existing database as it is, for a repeated preparation."""
        raise NotImplementedError

    def delete_database(self, name: str) -> None:
        raise NotImplementedError

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        """Return users of the tenant with their databases, sorted by ``name@host``.

        :param names: return these users only.
        """
        raise NotImplementedError

    def user_names(self) -> list[tuple[str, str]]:
        """Return (name, host) of all users of the tenant, sorted by ``name@host``."""
        raise NotImplementedError

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        raise NotImplementedError

    def delete_user(self, name: str, host: str) -> None:
        raise NotImplementedError

    def change_password(self, name: str, host: str, password: str) -> None:
        raise NotImplementedError

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        """Change name or host; grants are kept."""
        raise NotImplementedError

    def list_access(self, name: str, host: str) -> list[str]:
        raise NotImplementedError

    def grant(self, name: str, host: str, databases: Iterable[str]) -> None:
        raise NotImplementedError

    def revoke(self, name: str, host: str, database: str) -> None:
        raise NotImplementedError

    def enable_root(self, password: str) -> str:
        """Enable the tenant's administrator account with this password; return its name."""
        raise NotImplementedError

    def disable_root(self) -> None:
        """Disable that account and end its sessions; no account is no error."""
        raise NotImplementedError

    def root_enabled(self) -> bool:
        raise NotImplementedError

    def check_database(self, database: Database) -> None:
        """:raises EngineError: guest_invalid_name, guest_reserved_name, guest_invalid_charset."""
        raise NotImplementedError

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        """:raises EngineError: guest_invalid_name, guest_reserved_name, guest_invalid_host,
        guest_invalid_password.
        """
        raise NotImplementedError


class Restart(abc.ABC):
    """Restart of the unit for :meth:`Engine.restore_account`."""

    @abc.abstractmethod
    def with_environment(self, name: str, value: str) -> None:
        """Restart the unit once with one more environment variable."""

    @abc.abstractmethod
    def now(self) -> None:
        """Restart the unit."""


def reserved_user(description: Description, name: str) -> bool:
    folded = name.casefold()
    return (folded in description.reserved_users or folded.startswith(
        tuple(prefix.casefold() for prefix in description.reserved_user_prefixes)))


def reserved_database(description: Description, name: str) -> bool:
    return name.casefold() in description.reserved_databases
