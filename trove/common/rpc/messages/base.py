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

"""Base of message classes, and the checks of their fields.

A message is a frozen dataclass; each field carries a check. A check takes the field's name and
value and returns the value to keep, or raises ValueError with the name. Receivers check everything
that comes over the wire; senders build messages from data they know.
"""

import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any
from typing import ClassVar
from typing import Self

Check = Callable[[str, Any], Any]

MAX_INTEGER = 2 ** 63 - 1
#: NUL is refused by PostgreSQL and by engines alike, lone surrogates by every encoder.
_CONTROL = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')


@dataclasses.dataclass(frozen=True)
class Message:
    """Base of all messages.

    Fields are never removed, and only fields with a default are added: a receiver ignores unknown
    fields, so guests and control plane of different releases understand each other. Recorded
    messages in ``tests/data/messages`` check this in both directions.
    """

    KIND: ClassVar[str] = ''

    def to_wire(self) -> dict[str, Any]:
        """Return the message as plain data for the envelope."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_wire(cls, data: Any) -> Self:
        """Return the message of plain data, every known field checked.

        :raises ValueError: names the field that is missing or out of bounds.
        """
        if not isinstance(data, dict):
            raise ValueError(f'{cls.KIND or cls.__name__} is not an object')
        values = {}
        for field in dataclasses.fields(cls):
            if field.name in data:
                values[field.name] = field.metadata['check'](field.name, data[field.name])
            elif (field.default is dataclasses.MISSING
                    and field.default_factory is dataclasses.MISSING):
                raise ValueError(f'{field.name} is missing')
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_wire()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def required(check: Check) -> Any:
    """Return a field that a message must have."""
    return dataclasses.field(metadata={'check': check})


def optional(check: Check, default: Any = None) -> Any:
    """Return a field with a default; a mutable default is copied for each message."""
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=default.copy, metadata={'check': check})
    return dataclasses.field(default=default, metadata={'check': check})


def text(longest: int, *, shortest: int = 0, pattern: str | None = None,
         cut: bool = False) -> Check:
    """Return a check for ``shortest`` to ``longest`` characters that every database can store.

    :param pattern: regular expression for the whole text.
    :param cut: truncate and clean the text instead of refusing it, for sentences.
    """
    compiled = re.compile(pattern) if pattern else None

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f'{name} is not text')
        if cut:
            value = _CONTROL.sub(' ', value).encode('utf-8', 'replace').decode('utf-8')[:longest]
        if not shortest <= len(value) <= longest:
            raise ValueError(f'{name} must have {shortest} to {longest} characters')
        if not value.isascii() and not _encodes(value) or '\x00' in value:
            raise ValueError(f'{name} contains characters that cannot be stored')
        if compiled and not compiled.fullmatch(value):
            raise ValueError(f'{name} has an unexpected format')
        return value
    return check


def _encodes(value: str) -> bool:
    try:
        value.encode('utf-8')
    except UnicodeEncodeError:
        return False
    return True


def identifier() -> Check:
    """Return a check for a UUID in canonical form."""
    return text(36, shortest=36, pattern=r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def one_of(*words: str) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f'{name} must be one of {", ".join(words)}')
        return value
    return check


def integer(least: int = 0, most: int = MAX_INTEGER) -> Check:
    def check(name: str, value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f'{name} must be a whole number from {least} to {most}')
        return value
    return check


def number(least: float = 0.0, most: float = 1e15) -> Check:
    def check(name: str, value: Any) -> float:
        if type(value) not in (int, float) or not least <= value <= most:
            raise ValueError(f'{name} must be a number from {least:g} to {most:g}')
        return float(value)
    return check


def flag() -> Check:
    def check(name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f'{name} must be true or false')
        return value
    return check


def nullable(inner: Check) -> Check:
    def check(name: str, value: Any) -> Any:
        return None if value is None else inner(name, value)
    return check


def list_of(inner: Check, most: int) -> Check:
    def check(name: str, value: Any) -> list:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f'{name} must be a list of at most {most}')
        return [inner(f'{name}[{position}]', item) for position, item in enumerate(value)]
    return check


def scalar(longest: int) -> Check:
    """Return a check for a boolean, a finite number or text of at most ``longest`` characters."""
    of_text = text(longest)

    def check(name: str, value: Any) -> bool | int | float | str:
        if isinstance(value, (bool, int)) or isinstance(value, float) and math.isfinite(value):
            return value
        return of_text(name, value)
    return check


def mapping(inner: Check, most: int, *, longest: int) -> Check:
    """Return a check for an object with arbitrary keys of at most ``longest`` characters."""
    of_key = text(longest, shortest=1)

    def check(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise ValueError(f'{name} must be an object with at most {most} keys')
        return {
            of_key(f'a key of {name}', key): inner(f'{name}.{key}', item)
            for key, item in value.items()
        }
    return check


def record(**checks: Check) -> Check:
    """Return a check for an object with optional keys; unknown keys are dropped."""
    def check(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f'{name} must be an object')
        return {
            key: inner(f'{name}.{key}', value[key])
            for key, inner in checks.items()
            if key in value
        }
    return check


def needing(inner: Check, *keys: str) -> Check:
    """Return the check of :func:`record` with required keys."""
    def check(name: str, value: Any) -> dict[str, Any]:
        kept = inner(name, value)
        for key in keys:
            if key not in kept:
                raise ValueError(f'{name}.{key} is missing')
        return kept
    return check


def data(most_bytes: int) -> Check:
    """Return a check for any JSON object up to a size, for facts only the sender's flow reads."""
    def check(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f'{name} must be an object')
        try:
            size = len(json.dumps(value, allow_nan=False))
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f'{name} cannot be stored') from None
        if size > most_bytes:
            raise ValueError(f'{name} is longer than {most_bytes} bytes')
        return value
    return check


def message(cls: type[Message]) -> Check:
    """Return a check for a message inside a message."""
    def check(name: str, value: Any) -> Message:
        try:
            return cls.from_wire(value)
        except ValueError as problem:
            raise ValueError(f'{name}: {problem}') from None
    return check
