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

"""Check of the values of a configuration group against the parameter rules of a datastore version.

The functions are pure. A refused value is 422 and not 400, because the refusal depends on the
version. Names are compared without case and kept as they were sent.
"""

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trove.common import exception

TYPES = ('boolean', 'float', 'integer', 'string')
#: Maximum length of a value as JSON text, in characters.
MAX_VALUE = 1024
#: Replacement of a value in views when the parameter's name marks it as a secret.
MASK = '***'

_SECRETIVE = ('password', 'passwd', 'secret', 'token', 'private_key', 'credential')
_WORDS = {
    'boolean': 'true or false',
    'float': 'a number',
    'integer': 'an integer',
    'string': 'text'
}


def _is_integer(value: Any) -> bool:
    # True is an integer in Python, not in an engine.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    # Many JSON writers print 1.0 as 1, so an integer is accepted for a float.
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


_FITS: dict[str, Callable[[Any], bool]] = {
    'boolean': lambda value: isinstance(value, bool),
    'float': _is_number,
    'integer': _is_integer,
    'string': lambda value: isinstance(value, str),
}


@dataclasses.dataclass(frozen=True)
class Rule:
    """Rule of one parameter; ``smallest`` and ``largest`` apply to numbers only."""

    name: str
    data_type: str
    restart_required: bool = False
    smallest: int | float | None = None
    largest: int | float | None = None


def bound(text: str | None) -> int | float | None:
    """Return a stored minimum or maximum as a number, None when there is no bound.

    :param text: as stored: ``10``, ``31536000.5``, ``1.79769e+308``.
    """
    if not text:
        return None
    # Integers beyond 2**53 lose digits as a float.
    stem, _point, fraction = text.partition('.')
    if _INTEGER.match(stem) and not fraction.strip('0'):
        return int(stem)
    return float(text)


def rule(row: Any) -> Rule:
    """Return the rule stored in a row of ``datastore_configuration_parameters``."""
    return Rule(name=row.name, data_type=row.data_type, restart_required=bool(row.restart_required),
                smallest=bound(row.min_size), largest=bound(row.max_size))


_INTEGER = re.compile(r'[+-]?[0-9]{1,40}\Z')
_FRACTION = re.compile(r'[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?\Z')
_FLAGS = {'true': True, '1': True, 'false': False, '0': False}


def from_text(rules: Iterable[Rule], values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values that all arrived as text to the types of their rules.

    A text that does not fit its type stays text, so that :func:`check` refuses it.
    """
    kinds = {rule.name.lower(): rule.data_type for rule in rules}
    return {name: _from_text(kinds.get(name.lower()), value) if isinstance(value, str) else value
            for name, value in values.items()}


def _from_text(kind: str | None, text: str) -> Any:
    word = text.strip()
    if kind == 'integer' and _INTEGER.match(word):
        return int(word)
    if kind == 'float' and _FRACTION.match(word):
        return float(word)
    if kind == 'boolean':
        return _FLAGS.get(word.lower(), text)
    return text


def check(rules: Iterable[Rule], values: Mapping[str, Any], version: str) -> None:
    """Refuse values that the rules of a version do not allow.

    :param version: name of the version, for the error message.
    :raises trove.common.exception.Unprocessable: names the parameter and the values it accepts.
    """
    known = {rule.name.lower(): rule for rule in rules}
    if not known:
        raise exception.Unprocessable(
            f'Configuration groups are not supported for datastore version {version}: it '
            f'has no parameters.')
    seen: dict[str, str] = {}
    for name, value in values.items():
        found = known.get(name.lower())
        if found is None:
            raise exception.Unprocessable(
                f"'{name[:128]}' is not a parameter of datastore version {version}; its "
                f"parameters are listed under datastores/versions/{{id}}/parameters.")
        if name.lower() in seen:
            raise exception.Unprocessable(
                f"'{name}' and '{seen[name.lower()]}' are the same parameter; give it once.")
        seen[name.lower()] = name
        _check_value(found, name, value)


def unfit(rules: Iterable[Rule], values: Mapping[str, Any]) -> list[str]:
    """Return the sorted names of values that the rules of another version refuse or lack."""
    known = {rule.name.lower(): rule for rule in rules}
    return sorted(name[:128] for name, value in values.items()
                  if name.lower() not in known or not _fits(known[name.lower()], name, value))


def _fits(rule: Rule, name: str, value: Any) -> bool:
    try:
        _check_value(rule, name, value)
    except exception.Unprocessable:
        return False
    return True


def _check_value(rule: Rule, name: str, value: Any) -> None:
    if not _FITS[rule.data_type](value):
        raise exception.Unprocessable(f"The value of '{name}' must be {_WORDS[rule.data_type]}.")
    if rule.data_type in ('integer', 'float'):
        if rule.smallest is not None and value < rule.smallest:
            raise exception.Unprocessable(
                f"The value of '{name}' must be at least {rule.smallest}.")
        if rule.largest is not None and value > rule.largest:
            raise exception.Unprocessable(f"The value of '{name}' must be at most {rule.largest}.")
    if rule.data_type == 'string' and any(ord(character) < 32 for character in value):
        # A line break would let a tenant write further lines of the engine's configuration file.
        raise exception.Unprocessable(
            f"The value of '{name}' must not have line breaks or control characters.")
    if len(json.dumps(value)) > MAX_VALUE:
        raise exception.Unprocessable(
            f"The value of '{name}' must have at most {MAX_VALUE} characters.")


def merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored values updated with ``given``; names are matched without case."""
    given_names = {name.lower() for name in given}
    return {
        **{
            name: value
            for name, value in stored.items() if name.lower() not in given_names
        },
        **given
    }


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for a view, with :data:`MASK` for parameters named like a secret."""
    return {name: MASK if any(word in name.lower() for word in _SECRETIVE) else value
            for name, value in values.items()}
