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
"""Values of settings: equality of spellings. Pure functions."""

import decimal
import re

_NUMBER = re.compile(
    r'\s*([+-]?(?:0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))'
    r'\s*([A-Za-z]*)\s*')
#: Unit -> its number of smallest units.
_BYTES = {unit: 1024 ** power for power, unit in enumerate(('B', 'kB', 'MB', 'GB', 'TB'))}
_MICROSECONDS = {
    'us': 1,
    'ms': 10**3,
    's': 10**6,
    'min': 60 * 10**6,
    'h': 3600 * 10**6,
    'd': 86400 * 10**6
}
_SCALES = (_BYTES, _MICROSECONDS)
_UNIT = re.compile(r'([0-9]*)([A-Za-z]+)')
_TRUE, _FALSE = ('true', 'yes', 'on', '1'), ('false', 'no', 'off', '0')


def same(kind: str, unit: str | None, configured: str, running: str) -> bool:
    """Return whether the value of a configuration file and that of pg_settings mean the same.

    :param kind: vartype of pg_settings. :param unit: unit of ``running`` (8kB, ms); None without.
    """
    if configured == running:
        return True
    if kind == 'bool':
        return truth(configured) is not None and truth(configured) == truth(running)
    if kind == 'enum':
        # Some enums also accept booleans, in many spellings.
        return configured.lower() == running.lower() or (
            truth(configured) is not None and truth(configured) == truth(running))
    if kind in ('integer', 'real'):
        one, other = number(configured, unit), number(running, unit)
        if one is None or other is None:
            return False
        # The server rounds to whole units.
        return one == other if kind == 'real' else round(one) == round(other)
    return False


def truth(value: str) -> bool | None:
    """Return the boolean, also for an abbreviation; None for no boolean."""
    folded = value.strip().lower()
    if not folded or folded == 'o':
        return None
    if any(word.startswith(folded) for word in _TRUE):
        return True
    return False if any(word.startswith(folded) for word in _FALSE) else None


def number(value: str, unit: str | None) -> decimal.Decimal | None:
    """Return a value in units of its setting: 8192 for ``64MB`` in 8kB; None for no such number."""
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    amount = _amount(found[1])
    if not found[2]:
        return amount
    of_setting = _UNIT.fullmatch(unit or '')
    if of_setting is None:
        return None
    for scale in _SCALES:
        if of_setting[2] in scale and found[2] in scale:
            return amount * scale[found[2]] / (int(of_setting[1] or 1) * scale[of_setting[2]])
    return None


def _amount(text: str) -> decimal.Decimal:
    digits = text.lstrip('+-')
    # Like C: a leading 0 marks an octal number.
    if digits.lower().startswith('0x'):
        return decimal.Decimal(int(text, 16))
    if len(digits) > 1 and digits.startswith(
            '0') and digits.isdigit() and not set(digits) & set('89'):
        return decimal.Decimal(int(text, 8))
    return decimal.Decimal(text)
