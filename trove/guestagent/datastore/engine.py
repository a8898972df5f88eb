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

"""The seam between the agent and a database engine.

An engine is a :class:`Description` (what it is called, where it lives, what it can do) plus an :class:`Engine` that
owns its SQL or commands. Everything else in this package works on these two and knows no engine by name; adding one
touches its own folder, its template folder, the image recipe and one line of the registry.

Shapes: a database is ``{"name", "character_set", "collate"}``, a user ``{"name", "host", "databases": [{"name"}]}``
(plus ``"password"`` on the way in, never on the way out).
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
    """The engine refused or failed. ``code`` is one of the guest codes of :mod:`trove.common.errors`."""
    code = 'guest_engine_error'


class EngineUnavailable(EngineError):
    """The engine does not answer. ``answering`` is true when it replied, only not to us (out of connections)."""
    code = 'guest_engine_unavailable'

    def __init__(self, message: str = '', *, answering: bool = False) -> None:
        super().__init__(message)
        self.answering = answering


class LockedOut(EngineUnavailable):
    """The engine runs but refuses the agent's own account; :meth:`Engine.restore_account` repairs it."""

    def __init__(self, message: str = "The engine refuses the agent's account.") -> None:
        super().__init__(message, answering=True)


#: Logs that belong to the engine's normal life, and those a tenant switches on and off.
SYS, USER = 'SYS', 'USER'


@dataclass(frozen=True)
class Log:
    """A log of an engine, as data: where its bytes come from and what switches it on and off.

    With a ``file``, the engine's account writes it into :attr:`Place.log_directory`; its whole path must be told to
    the engine by :meth:`Engine.system_options`, whether the log is on or not. Without one, its lines are what the
    ``unit`` (the engine's own, unless named) says to systemd's journal.
    """
    #: What users call it: error, general, slow_query.
    name: str
    #: SYS logs are always on and can only be published and discarded.
    type: str = USER
    #: Name of the file below the log directory; "" for a log from the journal.
    file: str = ''
    unit: str = ''
    #: Options that switch it on and off; written to the layer between the base and the tenant's own.
    on: Mapping[str, str] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)
    #: Whether these options only count after a restart of the engine.
    needs_restart: bool = False


@dataclass(frozen=True)
class Description:
    """What an engine is, as data."""

    manager: str
    #: Packages the image recipe installs.
    packages: tuple[str, ...]
    #: systemd unit, without ``.service``.
    unit: str
    ports: tuple[int, ...]
    os_user: str
    os_group: str
    #: Default mount point of the data volume; the message of a prepare decides.
    mount_point: str
    #: Data directory below the mount point.
    data_directory: str
    #: Directory of the layered configuration files, and their names: base, user, and the agent's own.
    configuration_directory: str
    base_file: str
    user_file: str
    system_file: str
    #: Accounts and databases a tenant neither sees nor names, compared without case.
    reserved_users: frozenset[str] = frozenset()
    reserved_databases: frozenset[str] = frozenset()
    #: Beginnings of names of accounts that belong to the service.
    reserved_user_prefixes: tuple[str, ...] = ()
    #: Host of a user for whom none is named, or of every user where hosts mean nothing.
    default_host: str = '%'
    #: Whether a user belongs to a host.
    has_hosts: bool = True
    #: What it can do: databases, users, grants, root.
    capabilities: frozenset[str] = frozenset()
    #: Lines of the unit's drop-in [Service] section that only this engine needs.
    unit_settings: tuple[str, ...] = field(default=())
    #: Its logs; the agent's own is added to those of every engine.
    logs: tuple[Log, ...] = ()
    #: Name of the configuration file of the switched logs: sorts after ``base_file`` and before ``user_file``.
    logs_file: str = ''


@dataclass(frozen=True)
class Place:
    """Where an engine's data lives on this machine."""
    mount_point: str
    data_directory: str
    #: The agent's own directory on the volume: outside the data directory, so a restore does not wipe it.
    state_directory: str

    @property
    def log_directory(self) -> str:
        """Where the engine's account writes its log files: on the volume, so they survive a new root disk."""
        return os.path.join(self.mount_point, 'logs')


@dataclass(frozen=True)
class Facts:
    """What a running engine says about itself. ``uptime`` in seconds."""
    version: str
    uptime: int


@dataclass(frozen=True)
class Applied:
    """What became of options that a running engine was told. Each name stands in exactly one of the first three."""
    #: In force now.
    taken: frozenset[str] = frozenset()
    #: In force with the next start of the engine.
    waiting: frozenset[str] = frozenset()
    #: Never in force as they are: name -> why, in a few words.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Of those taken, what the engine made of a value it rounded or cut: name -> value, in its own words.
    adjusted: Mapping[str, str] = field(default_factory=dict)


class Engine(abc.ABC):
    """One engine's own SQL and commands. All methods may raise :class:`EngineError`."""

    description: Description

    # --- data directory and configuration ---------------------------------------------------------

    @abc.abstractmethod
    def initialise(self, place: Place, timeout: float) -> None:
        """Make a pristine data directory; it does not exist yet. All or nothing."""

    @abc.abstractmethod
    def is_initialised(self, place: Place) -> bool:
        """Whether the data directory holds data of this engine."""

    @abc.abstractmethod
    def system_options(self, place: Place) -> dict[str, str]:
        """Options that must hold whatever templates and tenants say; written to the last layer."""

    @abc.abstractmethod
    def render_options(self, options: Mapping[str, str]) -> str:
        """A configuration file with these options."""

    @abc.abstractmethod
    def parse_options(self, text: str) -> dict[str, str]:
        """The options of a configuration file, as the engine would read them."""

    def option_text(self, value: bool | int | float | str) -> str:
        """A value of a configuration group as this engine's files have it, before :meth:`render_options` quotes it."""
        if isinstance(value, bool):
            return 'ON' if value else 'OFF'
        return str(value)

    @abc.abstractmethod
    def validate_configuration(self, place: Place) -> None:
        """Ask the server binary whether it could start with the files in place, without starting it.

        Called before each restart and before options of a configuration group are applied; the files of all layers are
        written. An engine whose binary cannot tell checks by itself what it can (names, types, bounds).

        :raises EngineError: it could not; says which option and why.
        """

    # --- a running engine -------------------------------------------------------------------------

    @abc.abstractmethod
    def probe(self) -> None:
        """Run the smallest query, within a few seconds.

        :raises EngineUnavailable: no answer. :raises LockedOut: the agent's account is refused.
        """

    @abc.abstractmethod
    def facts(self) -> Facts:
        """Version and uptime."""

    @abc.abstractmethod
    def secure(self) -> None:
        """Ensure the agent's account, and that no other administrator, anonymous account or sample data exists."""

    @abc.abstractmethod
    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        """Make the running engine take options whose files have been written, without a restart.

        Names and values are as :meth:`parse_options` gives them. One that cannot be taken holds up no other. Told
        again, it has the same effect.

        :param changes: name -> value; None for an option that no file sets any more: the engine's built-in default.
        :raises EngineUnavailable: the engine does not answer; some may be in force.
        """

    @abc.abstractmethod
    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        """Which of these options run with another value than the files gave, because somebody changed it behind our
        back: name -> running value, in the engine's words. Two spellings of one value (1G, 1073741824) do not differ.

        Only of options that do not wait for a restart; asked every few heartbeats, so it has to be cheap. Those
        changed by :meth:`apply_options` that were adjusted may be among them; the caller knows of these.

        :param wanted: what all layers say together.
        """

    @abc.abstractmethod
    def restore_account(self, restart: 'Restart') -> None:
        """Give the agent its account back after a tenant with root took it away, calling ``restart`` once."""

    # --- going over to another version; only where an engine has something to do ---------------------
    #
    # An instance goes over by being given the image of the other version; its volume stays. The first two are called
    # by the agent of the former image while the engine serves, the other two by that of the new one.

    def check_upgrade(self, place: Place, version: str) -> None:
        """Refuse what this engine knows that the engine of another version cannot take over.

        :param version: number of the version it shall become, such as ``11.4``.
        :raises EngineError: code ``guest_upgrade_refused``; says what stands in the way. Nothing is changed.
        """

    def prepare_upgrade(self, place: Place, version: str) -> None:
        """Have the engine leave its data complete, so that another version can take them over: it is stopped next.

        :param version: as for :meth:`check_upgrade`, which has let it through.
        """

    def upgrade_data(self, place: Place, timeout: float) -> None:
        """Bring the data directory into the form of this version, before the engine is first started on it.

        Run again after a crash; all or nothing where the engine's own program is not.

        :raises EngineError: it could not be; the data are as they were.
        """

    def finish_upgrade(self, place: Place, timeout: float) -> bool:
        """The engine's own upgrade step, on the running engine; run again after a crash.

        :returns: whether there was anything to do.
        :raises EngineError: it failed; says what the engine's program said.
        """
        return False

    def recent_errors(self) -> list[str]:
        """The last lines the engine wrote before it ended, where it has a file of its own for them."""
        return []

    # --- logs; only for engines that describe one with a file ---------------------------------------

    def reopen_log(self, log: Log) -> None:
        """Close the file of a log and go on in a new one of that name; the old one has been moved aside."""
        raise NotImplementedError

    # --- databases, users, grants, root; only those the capabilities name are called ------------------

    def list_databases(self) -> list[Database]:
        """All databases of the tenant, sorted by name."""
        raise NotImplementedError

    def create_database(self, database: Database, *, or_ignore: bool = False) -> None:
        """:param or_ignore: one that exists already is as wanted: makes a repeated prepare safe."""
        raise NotImplementedError

    def delete_database(self, name: str) -> None:
        raise NotImplementedError

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        """Users of the tenant with their databases, sorted by ``name@host``; only the named ones if given."""
        raise NotImplementedError

    def user_names(self) -> list[tuple[str, str]]:
        """(name, host) of all users of the tenant, sorted by ``name@host``."""
        raise NotImplementedError

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        raise NotImplementedError

    def delete_user(self, name: str, host: str) -> None:
        raise NotImplementedError

    def change_password(self, name: str, host: str, password: str) -> None:
        raise NotImplementedError

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        """Change name or host; grants follow."""
        raise NotImplementedError

    def list_access(self, name: str, host: str) -> list[str]:
        raise NotImplementedError

    def grant(self, name: str, host: str, databases: Iterable[str]) -> None:
        raise NotImplementedError

    def revoke(self, name: str, host: str, database: str) -> None:
        raise NotImplementedError

    def enable_root(self, password: str) -> str:
        """Make the tenant's administrator account with this password; returns its name."""
        raise NotImplementedError

    def disable_root(self) -> None:
        """Remove that account and end its sessions; not there is fine."""
        raise NotImplementedError

    def root_enabled(self) -> bool:
        raise NotImplementedError

    def check_database(self, database: Database) -> None:
        """:raises EngineError: guest_invalid_name, guest_reserved_name, guest_invalid_charset."""
        raise NotImplementedError

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        """:raises EngineError: guest_invalid_name, guest_reserved_name, guest_invalid_host, guest_invalid_password."""
        raise NotImplementedError


class Restart(abc.ABC):
    """What :meth:`Engine.restore_account` may do to its unit."""

    @abc.abstractmethod
    def with_environment(self, name: str, value: str) -> None:
        """Restart the unit with one more environment variable, which is gone afterwards."""

    @abc.abstractmethod
    def now(self) -> None:
        """Restart the unit as it is."""


def reserved_user(description: Description, name: str) -> bool:
    folded = name.casefold()
    return (folded in description.reserved_users or folded.startswith(
        tuple(prefix.casefold() for prefix in description.reserved_user_prefixes)))


def reserved_database(description: Description, name: str) -> bool:
    return name.casefold() in description.reserved_databases
