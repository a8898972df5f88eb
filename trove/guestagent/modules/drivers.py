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

"""The drivers of modules: what each type makes of its contents.

A driver is code of this package that runs as part of the agent, so it starts no program and touches nothing outside of
its own module unless its type is there for that.
"""

import abc
import base64
import binascii


class ModuleRefused(Exception):
    """A driver cannot make anything of the contents; the text is a sentence for the user, without the contents."""


class Driver(abc.ABC):
    """One type of module. Applying twice is applying once."""

    @abc.abstractmethod
    def apply(self, contents: bytes) -> str:
        """Put the contents into force. :returns: a message for the user.

        :raises ModuleRefused:
        """

    @abc.abstractmethod
    def remove(self, contents: bytes) -> None:
        """Take them out of force again.

        :raises ModuleRefused:
        """


class Ping(Driver):
    """Answers with the message that its contents hold as ``message=...`` on a line of its own."""

    #: Characters of an answer.
    LONGEST = 255

    def apply(self, contents: bytes) -> str:
        for line in _lines(contents):
            key, found, value = line.partition('=')
            if found and key.strip().lower() == 'message':
                return value.strip()[:self.LONGEST]
        raise ModuleRefused('The contents of a ping module must hold a line "message=...".')

    def remove(self, contents: bytes) -> None:
        """Nothing was put anywhere."""


def _lines(contents: bytes) -> list[str]:
    try:
        return contents.decode().splitlines()
    except UnicodeError:
        raise ModuleRefused('The contents are not text.') from None


#: type -> its driver
DRIVERS: dict[str, Driver] = {'ping': Ping()}


def decoded(contents: str) -> bytes:
    """The contents as a driver takes them: clients send base64, and what is none is taken as it is."""
    try:
        return base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError):
        return contents.encode()
