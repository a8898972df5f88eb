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

#: Characters of the certificates a guest is told to trust.
MOST_AUTHORITIES = 128 * 1024

_NAME = base.text(64, shortest=1, pattern=r'[a-z0-9_\-]+')

#: What guests say of one log. ``published`` and ``pending`` are bytes; ``stored`` is whether any object was stored.
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
    """Call. Have a log written, or not any more. Answer: ``{"log": LOG}``."""
    KIND: ClassVar[str] = 'SwitchLog'

    name: str = base.required(_NAME)
    on: bool = base.required(base.flag())


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishLog(Command):
    """Cast. Store what was not stored yet, piece by piece. Answers ``data``: see :meth:`Logs.publish` of the guest.

    :param url: of the objects, to which the rest of their names is added. :param query: goes after that; it is what
        gives the right to store, for a short time, so neither is ever logged.
    :param verify: look at the certificate of the object store.
    :param authorities: PEM of certificates to trust beside those of the image.
    :param piece: bytes of one object at most. :param expiry: seconds that objects live; 0 for ever.
    :param start_over: store all of it anew.
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
    """Cast. Forget what was stored of a log, so that the next time all of it is stored. Answers ``data``:
    ``{"log": LOG}``.
    """
    KIND: ClassVar[str] = 'DiscardLog'

    name: str = base.required(_NAME)
