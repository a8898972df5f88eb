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

"""Values of server variables: from option files to SQL, and equality of spellings. Pure functions.
"""

import decimal
import re

from trove.guestagent.datastore.mysql_common import statements

_SUFFIXED = re.compile(r'([+-]?[0-9]+)([KMGTPE])', re.IGNORECASE)
_NUMBER = re.compile(r'[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?')
_POWERS = {letter: 1024 ** power for power, letter in enumerate('KMGTPE', start=1)}
_ON = frozenset({'on', 'true', 'yes', '1', ''})
_OFF = frozenset({'off', 'false', 'no', '0'})
#: Types of variables in information_schema.
_BOOLEAN = 'BOOLEAN'
_LISTS = frozenset({'SET', 'FLAGSET'})
_TEXTS = frozenset({'VARCHAR'})


def expression(kind: str, value: str) -> str:
    """Return the right side of a SET statement for a value of an option file.

    :param kind: type of the variable, in the words of information_schema.
    """
    if kind in _TEXTS:
        return statements.literal(value)
    number = _number(value)
    if number is not None:
        # SET accepts no suffixes.
        return f'{number:f}'
    if kind == _BOOLEAN and value.lower() in _ON | _OFF:
        return 'ON' if value.lower() in _ON else 'OFF'
    return statements.literal(value)


def same(kind: str, configured: str, running: str) -> bool:
    """Return whether the value of an option file and the running value mean the same."""
    if configured == running:
        return True
    if kind == _BOOLEAN:
        return _truth(configured) == _truth(running)
    if kind in _TEXTS:
        return False
    one, other = _number(configured), _number(running)
    if one is not None and other is not None:
        return one == other
    if one is not None:
        # A number for words: the server shows the words, and only it knows their order.
        return True
    if kind in _LISTS:
        return _words(configured) <= _words(running)
    return configured.lower() == running.lower()


def _number(value: str) -> decimal.Decimal | None:
    suffixed = _SUFFIXED.fullmatch(value)
    if suffixed:
        return decimal.Decimal(int(suffixed[1]) * _POWERS[suffixed[2].upper()])
    return decimal.Decimal(value) if _NUMBER.fullmatch(value) else None


def _truth(value: str) -> bool | str:
    folded = value.lower()
    return True if folded in _ON else False if folded in _OFF else folded


def _words(value: str) -> set[str]:
    """Return the words of a list; a word like TRADITIONAL is shown beside those it stands for."""
    return {word.strip().lower() for word in value.split(',') if word.strip()}
