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

"""Messages between guests and the control plane, one module per subject.

:data:`UP` and :data:`DOWN` find a class by the ``kind`` of an envelope's header.
"""

from trove.common.rpc.messages.about import DescribeHardware
from trove.common.rpc.messages.about import Diagnose
from trove.common.rpc.messages.backup import UpdateBackup
from trove.common.rpc.messages.base import Message
from trove.common.rpc.messages.command import Command
from trove.common.rpc.messages.command import CommandResult
from trove.common.rpc.messages.command import Ping
from trove.common.rpc.messages.command import Prepare
from trove.common.rpc.messages.command import Restart
from trove.common.rpc.messages.command import StopDatabase
from trove.common.rpc.messages.configuration import ApplyConfiguration
from trove.common.rpc.messages.database import CreateDatabases
from trove.common.rpc.messages.database import DeleteDatabase
from trove.common.rpc.messages.database import ListDatabases
from trove.common.rpc.messages.heartbeat import Heartbeat
from trove.common.rpc.messages.log import DiscardLog
from trove.common.rpc.messages.log import ListLogs
from trove.common.rpc.messages.log import PublishLog
from trove.common.rpc.messages.log import SwitchLog
from trove.common.rpc.messages.module import ApplyModule
from trove.common.rpc.messages.module import checked_modules
from trove.common.rpc.messages.module import ListModules
from trove.common.rpc.messages.module import MODULE_ERROR
from trove.common.rpc.messages.module import MODULE_OK
from trove.common.rpc.messages.module import RemoveModule
from trove.common.rpc.messages.reimage import HandOver
from trove.common.rpc.messages.reimage import TakeOver
from trove.common.rpc.messages.resize import GrowVolume
from trove.common.rpc.messages.resize import ReleaseVolume
from trove.common.rpc.messages.resize import StartDatabase
from trove.common.rpc.messages.root import DisableRoot
from trove.common.rpc.messages.root import EnableRoot
from trove.common.rpc.messages.user import ChangePasswords
from trove.common.rpc.messages.user import CreateUsers
from trove.common.rpc.messages.user import DeleteUser
from trove.common.rpc.messages.user import GetUser
from trove.common.rpc.messages.user import GrantAccess
from trove.common.rpc.messages.user import ListAccess
from trove.common.rpc.messages.user import ListUsers
from trove.common.rpc.messages.user import RevokeAccess
from trove.common.rpc.messages.user import UpdateUser

__all__ = (
    'ApplyConfiguration',
    'ApplyModule',
    'ChangePasswords',
    'checked_modules',
    'Command',
    'CommandResult',
    'CreateDatabases',
    'CreateUsers',
    'DeleteDatabase',
    'DeleteUser',
    'DescribeHardware',
    'Diagnose',
    'DisableRoot',
    'DiscardLog',
    'ListLogs',
    'PublishLog',
    'SwitchLog',
    'DOWN',
    'EnableRoot',
    'GetUser',
    'GrantAccess',
    'GrowVolume',
    'HandOver',
    'Heartbeat',
    'ListAccess',
    'ListDatabases',
    'ListModules',
    'ListUsers',
    'Message',
    'MODULE_ERROR',
    'MODULE_OK',
    'parse',
    'Ping',
    'Prepare',
    'ReleaseVolume',
    'RemoveModule',
    'Restart',
    'RevokeAccess',
    'StartDatabase',
    'StopDatabase',
    'TakeOver',
    'UP',
    'UpdateBackup',
    'UpdateUser',
)

#: Reports of guests by kind.
UP: dict[str, type[Message]] = {cls.KIND: cls for cls in (Heartbeat, CommandResult, UpdateBackup)}

#: Commands to guests by kind.
DOWN: dict[str, type[Command]] = {
    cls.KIND: cls
    for cls in (ApplyConfiguration, HandOver, TakeOver, Prepare, Restart, StopDatabase,
                StartDatabase, ReleaseVolume, GrowVolume, Ping, ListDatabases, CreateDatabases,
                DeleteDatabase, ListUsers, GetUser, CreateUsers, DeleteUser, ChangePasswords,
                UpdateUser, ListAccess, GrantAccess, RevokeAccess, EnableRoot, DisableRoot,
                Diagnose, DescribeHardware, ListModules, ApplyModule, RemoveModule, ListLogs,
                SwitchLog, PublishLog, DiscardLog)
}


def parse(kinds: dict[str, type[Message]], kind: str, body: object) -> Message:
    """Return the message of a kind, every field checked.

    :param kinds: :data:`UP` or :data:`DOWN`.
    :raises KeyError: unknown kind.
    :raises ValueError: names the field that is out of bounds.
    """
    return kinds[kind].from_wire(body)
