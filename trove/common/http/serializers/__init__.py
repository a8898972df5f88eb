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

"""Formats in which bodies travel over HTTP; inside they are plain dicts, lists, text and numbers.

The format of a response is chosen by the suffix of the path, then ``Accept``, then JSON.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from trove.common.http.serializers import json as json_format
from trove.common.http.serializers import xml as xml_format


class Format(NamedTuple):
    """Format of bodies on the wire.

    :param dump: ``(body, root)`` returns bytes; ``root`` names a body without a wrapper key.
    :param load: ``(bytes, schema)`` returns a dict or raises ValueError with a sentence for the
        caller; ``schema`` is the JSON schema of the body, for formats in which every value is text.
    """
    suffix: str
    content_type: str
    media_types: tuple[str, ...]
    dump: Callable[..., bytes]
    load: Callable[..., dict[str, Any]]


JSON = Format('json', json_format.CONTENT_TYPE, json_format.MEDIA_TYPES, json_format.dump,
              json_format.load)
XML = Format('xml', xml_format.CONTENT_TYPE, xml_format.MEDIA_TYPES, xml_format.dump,
             xml_format.load)

FORMATS: list[Format] = [JSON, XML]


def by_suffix(suffix: str) -> Format | None:
    return next((format_ for format_ in FORMATS if format_.suffix == suffix), None)


def by_content_type(content_type: str) -> Format | None:
    """Return the format of a request body; parameters such as charset are ignored."""
    media_type = content_type.partition(';')[0].strip().lower()
    return next((format_ for format_ in FORMATS if media_type in format_.media_types), None)


def by_accept(accept: str) -> Format:
    """Return the format with the highest quality in the header, the first of several equal ones.

    JSON is returned if the header names no known format.
    """
    accepted: list[tuple[float, int, Format]] = []
    for position, part in enumerate(accept.split(',')):
        format_ = by_content_type(part)
        if format_ is not None:
            accepted.append((-_quality(part), position, format_))
    if not accepted:
        return JSON
    quality, _position, format_ = min(accepted, key=lambda item: item[:2])
    return format_ if quality < 0 else JSON


def _quality(part: str) -> float:
    for parameter in part.split(';')[1:]:
        name, _, value = parameter.partition('=')
        if name.strip().lower() == 'q':
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
