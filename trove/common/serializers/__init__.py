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

"""The forms in which the one internal form (plain dicts, lists, text, numbers) travels over HTTP.

Those there are stand in :data:`FORMS`. Choosing goes: suffix of the path, then Accept, then JSON.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from trove.common.serializers import json as json_form
from trove.common.serializers import xml as xml_form


class Form(NamedTuple):
    """One wire form.

    :param dump: ``(body, root)`` gives bytes; ``root`` names a body that has no wrapper key.
    :param load: ``(bytes, schema)`` gives a dict or raises ValueError with a sentence for the caller; ``schema`` is
        the JSON schema of the body, for forms in which everything is text.
    """
    suffix: str
    content_type: str
    media_types: tuple[str, ...]
    dump: Callable[..., bytes]
    load: Callable[..., dict[str, Any]]


JSON = Form('json', json_form.CONTENT_TYPE, json_form.MEDIA_TYPES, json_form.dump, json_form.load)
XML = Form('xml', xml_form.CONTENT_TYPE, xml_form.MEDIA_TYPES, xml_form.dump, xml_form.load)

FORMS: list[Form] = [JSON, XML]


def by_suffix(suffix: str) -> Form | None:
    return next((form for form in FORMS if form.suffix == suffix), None)


def by_content_type(content_type: str) -> Form | None:
    """The form of a request body; parameters such as charset are ignored."""
    media_type = content_type.partition(';')[0].strip().lower()
    return next((form for form in FORMS if media_type in form.media_types), None)


def by_accept(accept: str) -> Form:
    """The form the header likes best, the first of several equal ones; JSON when it names none of ours."""
    wanted: list[tuple[float, int, Form]] = []
    for position, part in enumerate(accept.split(',')):
        form = by_content_type(part)
        if form is not None:
            wanted.append((-_quality(part), position, form))
    if not wanted:
        return JSON
    quality, _position, form = min(wanted, key=lambda item: item[:2])
    return form if quality < 0 else JSON


def _quality(part: str) -> float:
    for parameter in part.split(';')[1:]:
        name, _, value = parameter.partition('=')
        if name.strip().lower() == 'q':
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
