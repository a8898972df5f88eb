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

"""Drivers of modules: one for each type of contents.

A driver runs as part of the agent. It starts no program and changes nothing outside its own module
unless its type exists for that.
"""

import abc
import base64
import binascii


class ModuleRefused(Exception):
    """Contents that a driver cannot use; the text is a sentence for the user, without contents."""


class Driver(abc.ABC):
    """Driver of one type of module. Applying a module twice has the effect of once."""

    @abc.abstractmethod
    def apply(self, contents: bytes) -> str:
        """Put the contents into force and return a message for the user.

        :raises ModuleRefused:
        """

    @abc.abstractmethod
    def remove(self, contents: bytes) -> None:
        """Undo :meth:`apply`.

        :raises ModuleRefused:
        """


class Ping(Driver):
    """Driver that returns the message of a line ``message=...`` in its contents."""

    #: Maximum characters of the message.
    LONGEST = 255

    def apply(self, contents: bytes) -> str:
        for line in _lines(contents):
            key, found, value = line.partition('=')
            if found and key.strip().lower() == 'message':
                return value.strip()[:self.LONGEST]
        raise ModuleRefused('The contents of a ping module must have a line "message=...".')

    def remove(self, contents: bytes) -> None:
        """Do nothing: :meth:`apply` changed nothing."""


def _lines(contents: bytes) -> list[str]:
    try:
        return contents.decode().splitlines()
    except UnicodeError:
        raise ModuleRefused('The contents are not text.') from None


#: type -> its driver
DRIVERS: dict[str, Driver] = {'ping': Ping()}


def decoded(contents: str) -> bytes:
    """Return the contents as bytes: clients send base64; other text is used as it is."""
    try:
        return base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError):
        return contents.encode()
