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

"""Parser of request bodies by Neutron's rules: known attributes only, each with a check."""

import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from minicloud import errors, web


class Invalid(ValueError):
    """Error of an invalid value; the text is Neutron's reason."""


class Attribute(NamedTuple):
    """One attribute of a resource."""

    #: Receives the given value, returns the value to store, raises :class:`Invalid`.
    check: Callable[[Any], Any]
    default: Any = None
    #: True: the attribute can be changed after creation.
    update: bool = True
    admin: bool = False
    required: bool = False


Attributes = dict[str, Attribute]


def read(call: web.Call, name: str, attributes: Attributes, new: bool) -> dict[str, Any]:
    """Return the checked attributes of the body's member ``name``.

    A new resource gets all attributes, with defaults, and ``project_id``, its owner. An update
    gets only the attributes of the body.
    """
    body = call.member(name)
    body = {'project_id' if key == 'tenant_id' else key: value for key, value in body.items()}
    unknown = sorted(set(body) - set(attributes) - {'project_id'})
    if unknown:
        raise errors.BadRequest(f"Unrecognized attribute(s) '{', '.join(unknown)}'",
                                'HTTPBadRequest')
    values = {}
    for key, attribute in attributes.items():
        if key in body:
            values[key] = _checked(call, name, key, attribute, body[key], new)
        elif new and attribute.required:
            raise errors.BadRequest(
                'Failed to parse request. Required attribute '
                f"'{key}' not specified", 'HTTPBadRequest')
        elif new:
            values[key] = attribute.default
    if new:
        values['project_id'] = _owner(call, name, body.get('project_id'))
    elif 'project_id' in body:
        raise errors.BadRequest('Cannot update read-only attribute project_id',
                                'HTTPBadRequest')
    return values


def _checked(call: web.Call, name: str, key: str, attribute: Attribute, value: Any,
             new: bool) -> Any:
    if not new and not attribute.update:
        raise errors.BadRequest(f'Cannot update read-only attribute {key}', 'HTTPBadRequest')
    if attribute.admin and not call.is_admin and value != attribute.default:
        action = 'create' if new else 'update'
        raise errors.Forbidden(
            f'(rule:{action}_{name} and rule:{action}_{name}:{key}) is disallowed by policy',
            'PolicyNotAuthorized')
    try:
        return attribute.check(value)
    except Invalid as error:
        raise errors.BadRequest(f'Invalid input for {key}. Reason: {error}.',
                                'HTTPBadRequest') from None


def _owner(call: web.Call, name: str, project_id: Any) -> str:
    if project_id in (None, '', call.project_id):
        return call.project_id
    if not call.is_admin:
        raise errors.Forbidden(f'rule:create_{name} is disallowed by policy',
                               'PolicyNotAuthorized')
    return str(project_id)


def text(longest: int = 255) -> Callable[[Any], str]:
    """Return a check for a string of at most this length."""
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Invalid(f"'{value}' is not a valid string")
        if len(value) > longest:
            raise Invalid(f"'{value}' exceeds maximum length of {longest}")
        return value
    return check


def boolean(value: Any) -> bool:
    """Convert a boolean, or a word or number that means one."""
    if str(value).lower() not in ('true', 'false', '0', '1'):
        raise Invalid(f"'{value}' cannot be converted to boolean")
    return web.as_bool(value)


def identity(value: Any) -> str:
    """Check for a UUID."""
    try:
        uuid.UUID(str(value))
    except ValueError:
        raise Invalid(f"'{value}' is not a valid UUID") from None
    return str(value)


def optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the check with None allowed."""
    return lambda value: None if value is None else check(value)


def listed(check: Callable[[Any], Any]) -> Callable[[Any], list]:
    """Return a check for a list of distinct values that each pass the check."""
    def every(value: Any) -> list:
        if not isinstance(value, list):
            raise Invalid(f"'{value}' is not a list")
        checked = [check(item) for item in value]
        if any(item in checked[:place] for place, item in enumerate(checked)):
            raise Invalid(f"Duplicate items in the list: '{value}'")
        return checked
    return every


def address(value: Any) -> str:
    """Check for an IP address."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise Invalid(f"'{value}' is not a valid IP address") from None


def network_prefix(value: Any) -> str:
    """Check for an IP network in CIDR notation; a single address is a network of one."""
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except (ValueError, TypeError):
        raise Invalid(f"'{value}' is not a valid IP subnet") from None


def mac_address(value: Any) -> str:
    """Check for a unicast hardware address."""
    if not isinstance(value, str) or not re.fullmatch(
            r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}', value.lower()):
        raise Invalid(f"'{value}' is not a valid MAC address")
    return value.lower()


def mapping(*allowed: str) -> Callable[[Any], dict]:
    """Return a check for an object with these members only (any, if none is named)."""
    def check(value: Any) -> dict:
        if not isinstance(value, dict):
            raise Invalid(f"'{value}' is not a dictionary")
        unknown = sorted(set(value) - set(allowed))
        if allowed and unknown:
            raise Invalid(f"Unexpected keys supplied: {', '.join(unknown)}")
        return value
    return check


def whole(lowest: int, highest: int) -> Callable[[Any], int]:
    """Return a check for a whole number within bounds, both included."""
    def check(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise Invalid(f"'{value}' is not an integer") from None
        if isinstance(value, bool) or not lowest <= number <= highest:
            raise Invalid(f"'{value}' is not in range {lowest} through {highest}")
        return number
    return check
