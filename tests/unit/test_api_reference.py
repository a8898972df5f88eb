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

"""Comparison of the API reference with the URL table and the schemas of the bodies."""

import pathlib
import re

import pytest
import yaml

from trove.common.api import ROUTES

REFERENCE = pathlib.Path(__file__).parents[2] / 'api-ref/source'
PAGES = '\n'.join(page.read_text() for page in sorted(REFERENCE.glob('*.inc')))
PARAMETERS = yaml.safe_load((REFERENCE / 'parameters.yaml').read_text())
STATUSES = yaml.safe_load((REFERENCE / 'status.yaml').read_text())
METHOD = re.compile(r'^\.\. rest_method:: ([A-Z]+ /v1\.0\S*)$', re.MULTILINE)
PLACES = [f'{route.method} /v1.0{route.path}' for route in ROUTES]

_JSON_TYPES = {str: 'string', bool: 'boolean', int: 'integer', float: 'number'}
_TYPE_ORDER = ('string', 'integer', 'number', 'boolean', 'object', 'array', 'any', 'null')


def calls() -> dict[str, str]:
    """Return the text of each call by method and path."""
    parts = METHOD.split(PAGES)
    assert len(parts[1::2]) == len(set(parts[1::2])), 'a call is described twice'
    return dict(zip(parts[1::2], parts[2::2], strict=True))


CALLS = calls()


def rows(text: str, title: str) -> list[tuple[str, str]]:
    """Return (field, key of parameters.yaml) of the table below a title."""
    table = r'~+\n\n\.\. rest_parameters:: parameters\.yaml\n\n((?:   - .+\n)+)'
    found = re.search(rf'^{title}\n{table}', text, re.MULTILINE)
    return re.findall(r'   - (\S+): (\S+)\n', found[1]) if found else []


def types_of(schema: dict) -> list[str]:
    """Return the JSON types that a schema allows."""
    if 'type' in schema:
        return [schema['type']] if isinstance(schema['type'], str) else list(schema['type'])
    if 'anyOf' in schema:
        return [name for part in schema['anyOf'] for name in types_of(part)]
    values = schema.get('enum', [schema['const']] if 'const' in schema else [])
    return [_JSON_TYPES[type(value)] for value in values] or ['any']


def fields_of(schema: dict, prefix: str = '') -> dict[str, tuple[set[str], bool]]:
    """Return types and necessity of each property, with dots between the levels.

    A property of one alternative of several is optional.
    """
    found = {}
    alternatives = [fields_of(part, prefix) for part in schema.get('anyOf', ())
                    if part.keys() & {'properties', 'items', 'anyOf'}]
    for fields in alternatives:
        for path, (types, required) in fields.items():
            former, was_required = found.get(path, (set(), True))
            in_all = all(path in other for other in alternatives)
            found[path] = (former | types, required and was_required and in_all)
    for name, inner in schema.get('properties', {}).items():
        found[prefix + name] = (set(types_of(inner)), name in schema.get('required', ()))
        found |= fields_of(inner, f'{prefix}{name}.')
    return found | (fields_of(schema['items'], prefix) if 'items' in schema else {})


def table_of(schema: dict | None) -> set[tuple[str, str, str, bool]]:
    """Return (field, place, type, necessity) of each property of a schema."""
    return {(path, 'body', ' or '.join(sorted(types, key=_TYPE_ORDER.index)), required)
            for path, (types, required) in fields_of(schema or {}).items()}


def described(text: str, title: str) -> list[tuple[str, str, str, bool]]:
    """Return (field, place, type, necessity) of each row, as parameters.yaml has them."""
    return [(name, PARAMETERS[key]['in'], PARAMETERS[key]['type'], PARAMETERS[key]['required'])
            for name, key in rows(text, title)]


def test_the_reference_has_the_calls_of_the_table():
    assert sorted(CALLS) == sorted(PLACES)


@pytest.mark.parametrize('route', ROUTES, ids=PLACES)
def test_a_request_has_a_row_for_each_field(route):
    found = described(CALLS[f'{route.method} /v1.0{route.path}'], 'Request')
    body = table_of(route.request_schema.schema if route.request_schema else None)
    assert {row for row in found if row[1] == 'body'} == body
    assert [name for name, place, *_ in found
            if place == 'path'] == re.findall(r'{(\w+)}', route.path)
    assert [name for name, place, *_ in found if place == 'query'] == list(route.query)
    assert len(found) == len(set(found))


@pytest.mark.parametrize('route', ROUTES, ids=PLACES)
def test_a_response_has_a_row_for_each_field(route):
    found = described(CALLS[f'{route.method} /v1.0{route.path}'], 'Response')
    assert {row for row in found if row[1] == 'body'} == table_of(route.response_schema)
    opens_operations = route.method != 'GET' and route.status < 400 and route.status != 204
    assert [name for name, place, *_ in found
            if place == 'header'] == ['X-Trove-Operation-Id'] * opens_operations
    assert len(found) == len(set(found))


def test_every_entry_of_the_parameters_is_used_and_explained():
    used = {key for text in CALLS.values()
            for title in ('Request', 'Response') for _, key in rows(text, title)}
    assert used == PARAMETERS.keys()
    for key, entry in PARAMETERS.items():
        assert re.match(r'[A-Z0-9`].*[.`]\n$', entry['description'], re.DOTALL), key


def test_every_meaning_of_a_status_is_used():
    used = set(re.findall(r'^   - (\d{3}): (\w+)$', PAGES, re.MULTILINE))
    assert used == {(str(code), key) for code, keys in STATUSES.items() for key in keys}
