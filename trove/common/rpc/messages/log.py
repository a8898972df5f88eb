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

"""Commands about the logs of a guest."""

import dataclasses
from typing import ClassVar

from trove.common.rpc.messages import base
from trove.common.rpc.messages.command import Command

#: Maximum characters of certificates for a guest to trust.
MOST_AUTHORITIES = 128 * 1024

_NAME = base.text(64, shortest=1, pattern=r'[a-z0-9_\-]+')

#: Report about one log. ``published`` and ``pending`` are bytes; ``stored``: whether objects exist.
LOG = base.needing(
    base.record(name=base.text(64, shortest=1), type=base.one_of('SYS', 'USER'), status=base.text(
        32, shortest=1), published=base.integer(), pending=base.integer(), stored=base.flag()),
    'name', 'type', 'status', 'published', 'pending', 'stored')


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListLogs(Command):
    """Call. Answer: ``{"logs": [LOG]}``, see :data:`LOG`."""
    KIND: ClassVar[str] = 'ListLogs'


@dataclasses.dataclass(frozen=True, kw_only=True)
class SwitchLog(Command):
    """Call. Switch a log on or off. Answer: ``{"log": LOG}``."""
    KIND: ClassVar[str] = 'SwitchLog'

    name: str = base.required(_NAME)
    on: bool = base.required(base.flag())


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishLog(Command):
    """Cast. Store the new part of a log in objects. Answers ``data``: see the guest's
    ``Logs.publish``.

    :param url: prefix of the objects' URLs; never logged.
    :param query: query of the URLs, a short-lived permission to store; never logged.
    :param verify: verify the certificate of the object store.
    :param authorities: PEM of certificates to trust in addition to those of the image.
    :param piece: maximum bytes per object.
    :param expiry: lifetime of the objects in seconds; 0 for unlimited.
    :param start_over: store the whole log again.
    """
    KIND: ClassVar[str] = 'PublishLog'

    name: str = base.required(_NAME)
    url: str = base.required(base.text(2000, pattern=r'https?://[^\s]+'))
    query: str = base.required(base.text(1000, pattern=r'[^\s#]*'))
    verify: bool = base.optional(base.flag(), True)
    authorities: str = base.optional(base.text(MOST_AUTHORITIES), '')
    piece: int = base.optional(base.integer(1024, 64 * 1024 * 1024), 1_000_000)
    expiry: int = base.optional(base.integer(0, 2 ** 31 - 1), 0)
    start_over: bool = base.optional(base.flag(), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiscardLog(Command):
    """Cast. Reset the stored position of a log. Answers ``data``: ``{"log": LOG}``."""
    KIND: ClassVar[str] = 'DiscardLog'

    name: str = base.required(_NAME)
