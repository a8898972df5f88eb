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

"""JSON: UTF-8, one object at the root."""

import json
import math
from typing import Any

CONTENT_TYPE = 'application/json'
MEDIA_TYPES = ('application/json', 'application/vnd.openstack.trove+json')


#: Bodies are created for each response, so they have no cycles; the check is a fifth of the work.
_encode = json.JSONEncoder(separators=(',', ':'), check_circular=False).encode


def dump(body: dict[str, Any], _root: str = '') -> bytes:
    return _encode(body).encode()


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _number(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise ValueError(text)
    return found


#: Python reads numbers that JSON does not have (NaN, Infinity) and converts numbers too large for a
#: float to infinity. Some databases refuse them, and no client could read them in a response.
_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_number).decode


def load(data: bytes, _schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a body.

    :raises ValueError: with a sentence for the caller.
    """
    try:
        # Python would guess other encodings; JSON has only one.
        body = _decode(data.decode('utf-8-sig'))
        # Text that cannot be encoded (half a surrogate pair) would fail later, in the database.
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeError:
        raise ValueError(
            'The body holds characters that are not valid Unicode; send it as UTF-8.') from None
    except (ValueError, RecursionError):
        raise ValueError('The body is not well-formed JSON.') from None
    if not isinstance(body, dict):
        raise ValueError('The body must be a JSON object.')
    if b'\\u0000' in data and _has_null(body):
        raise ValueError('The body holds a null character.')
    return body


def _has_null(value: Any) -> bool:
    if isinstance(value, str):
        return '\0' in value
    if isinstance(value, dict):
        return any(_has_null(key) or _has_null(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_null, value))
