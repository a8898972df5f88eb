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

"""JSON Schema of bodies: the basic types, and failures as sentences that name the field.

A schema of a request can have the key ``reason``: the requirement that a wrong value fails, to
follow the path of the value. Schemas of responses are checked in tests, not while serving; the
OpenAPI document has them. A schema with a ``title`` is there once, under that name.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
from jsonschema import validators

from trove.common import exception

#: Failures reported in one response, and failures collected: a long list can have one per item.
MAX_FAILURES = 10
_MAX_FOUND = 100

TEXT = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '[A-Za-z0-9]',
        'reason': 'must have at least one letter or digit'}
#: As TEXT without a largest length: each engine limits the length of user names.
NAME = {'type': 'string', 'minLength': 1, 'pattern': '[A-Za-z0-9]',
        'reason': 'must have at least one letter or digit'}
UUID = {
    'type': 'string',
    'reason': 'must be a UUID',
    'pattern': '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\\Z'
}
FLAG = {'enum': [0, 1, True, False], 'reason': 'must be 0 or 1, or true or false'}
FREE = {'type': 'object'}
_SIZE_REASON = 'must be a whole number of GB, at least 1'
SIZE = {
    'anyOf': [{
        'type': 'integer',
        'minimum': 1
    }, {
        'type': 'string',
        'minLength': 1,
        'maxLength': 40,
        'pattern': '^0*[1-9][0-9]*\\Z'
    }],
    'reason': _SIZE_REASON
}
FLAVOR = {
    'anyOf': [TEXT, {
        'type': 'integer',
        'minimum': 0
    }],
    'reason': 'must be the id of a flavor'
}
_GROUP = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
_ADDRESS = f'^(?:{_GROUP}\\.){{3}}{_GROUP}'
IPV4 = {'type': 'string', 'reason': 'must be an IPv4 address', 'pattern': f'{_ADDRESS}\\Z'}
CIDR = {'anyOf': [{'type': 'string', 'pattern': f'{_ADDRESS}(?:/(?:3[0-2]|[12]?[0-9]))?\\Z'},
                  {'type': 'string', 'pattern': '^(?=[^:/]*:[^:/]*:)[0-9A-Fa-f:.]{2,45}'
                                                '(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?\\Z'}],
        'reason': 'must be a network such as 203.0.113.0/24 or 2001:db8::/32'}


# --- requests ------------------------------------------------------------------------------------

def obj(properties: dict[str, Any], required: tuple[str, ...] = (), *, extras: bool = True,
        **more: Any) -> dict[str, Any]:
    """Return the schema of an object.

    :param extras: unknown keys are accepted and ignored.
    """
    made: dict[str, Any] = {
        'type': 'object',
        'properties': properties,
        'required': list(required),
        **more
    }
    if not extras:
        made['additionalProperties'] = False
    return made


def array(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {'type': 'array', 'items': items, **more}


def wrapped(name: str, inner: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a body with one wrapper key."""
    return obj({name: inner}, required=(name,))


def _unique_items(validator: Any, is_unique: bool, items: Any,
                  _schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Check ``uniqueItems`` in linear time; the library compares every pair of objects."""
    if is_unique and validator.is_type(items, 'array'):
        if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
            yield jsonschema.ValidationError('holds something twice')


def _is_integer(_checker: Any, value: Any) -> bool:
    """Refuse 2.0, an integer of JSON Schema, which is a float to the database and the guest."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = validators.extend(
    jsonschema.Draft202012Validator, {'uniqueItems': _unique_items},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine('integer', _is_integer))


def compiled(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """Return the validator of a schema, created once at import."""
    return _Validator(schema)


# --- responses ------------------------------------------------------------------------------------

STRING = {'type': 'string'}
INTEGER = {'type': 'integer'}
NUMBER = {'type': 'number'}
BOOLEAN = {'type': 'boolean'}
MOMENT = {'type': 'string', 'pattern': '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\Z',
          'description': 'UTC, without zone and fraction'}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the same type or null."""
    return {**schema, 'type': [schema['type'], 'null']}


def shown(title: str, always: dict[str, Any],
          sometimes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an object in a response, which has no other keys.

    :param title: name of the schema in the OpenAPI document; empty for a schema without a name.
    :param always: required keys.
    :param sometimes: optional keys.
    """
    made = obj({**always, **(sometimes or {})}, required=tuple(always), extras=False)
    return {'title': title, **made} if title else made


LINKS = array(shown('Link', {'rel': STRING, 'href': STRING}))


def showing(key: str, inner: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a response with one wrapper key."""
    return shown('', {key: inner})


def page_of(collection: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a page of a list, which has links if another page follows."""
    return shown('', {collection: array(item)}, {'links': LINKS, f'{collection}_links': LINKS})


# --- refusing ------------------------------------------------------------------------------------

def check(validator: jsonschema.Draft202012Validator, body: Any) -> None:
    """Refuse a body that does not match a schema.

    :raises trove.common.exception.BadRequest: with a clause for each failure.
    """
    if validator.is_valid(body):
        return
    clauses: list[str] = []
    found = itertools.islice(validator.iter_errors(body), _MAX_FOUND)
    for error in sorted(found, key=lambda error: [str(part) for part in error.absolute_path]):
        clause = f'{path_of(error)} {reason_of(error)}'
        if clause not in clauses:
            clauses.append(clause)
    raise exception.BadRequest('Validation error: ' + '; '.join(clauses[:MAX_FAILURES]))


def path_of(error: jsonschema.ValidationError) -> str:
    """Return the path of a failure, as in ``instance['volume']['size']``."""
    parts = list(error.absolute_path)
    if error.validator == 'required':
        missing = error.message.partition("'")[2].rpartition("'")[0]
        parts.append(missing)
    if not parts:
        return 'body'
    first, *rest = parts
    return str(first)[:80] + ''.join(f'[{part!r}]'[:80] for part in rest)


_TYPE_WORDS = {
    'string': 'text',
    'integer': 'an integer',
    'number': 'a number',
    'boolean': 'true or false',
    'object': 'an object',
    'array': 'a list',
    'null': 'null'
}


def reason_of(error: jsonschema.ValidationError) -> str:
    """Return the requirement that a value fails, without the value: it may be a password."""
    validator, limit = error.validator, error.validator_value
    if validator == 'required':
        return 'is required'
    if validator == 'type':
        names = [limit] if isinstance(limit, str) else limit
        return 'must be ' + ' or '.join(_TYPE_WORDS[name] for name in names)
    if validator == 'additionalProperties':
        unknown = sorted(set(error.instance) - set(error.schema['properties']))
        return 'must not have ' + ', '.join(repr(key[:40]) for key in unknown[:5])
    if validator == 'maxLength':
        return f'must have at most {limit} characters'
    if 'reason' in error.schema:
        return error.schema['reason']
    if validator == 'enum':
        return 'must be one of ' + ', '.join(str(item) for item in limit)
    if validator in ('minLength', 'minItems', 'minProperties') and limit == 1:
        return 'must not be empty'
    words = {
        'minLength': 'must have at least {} characters',
        'minimum': 'must be at least {}',
        'maximum': 'must be at most {}',
        'minItems': 'must have at least {} items',
        'maxItems': 'must have at most {} items',
        'minProperties': 'must have at least {} keys',
        'uniqueItems': 'must not hold anything twice'
    }
    return words.get(str(validator), 'is not allowed').format(limit)
