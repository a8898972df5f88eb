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

"""Conversion of a tree of text to a body; the JSON schema has the types of the values.

A value that the schema leaves open stays text. A value of the wrong type stays text too, so that
the schema refuses it with the same sentence as in JSON.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from trove.common.http.serializers import table

_INTEGER = re.compile(r'[+-]?[0-9]{1,40}\Z')
_NUMBER = re.compile(r'[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?\Z')
_FLAGS = {'true': True, '1': True, 'false': False, '0': False}


@dataclasses.dataclass(slots=True)
class Node:
    """Element of a document."""

    name: str
    attributes: dict[str, str]
    children: list['Node'] = dataclasses.field(default_factory=list)
    pieces: list[str] = dataclasses.field(default_factory=list)

    @property
    def text(self) -> str:
        return ''.join(self.pieces)


def read(root: Node, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a document.

    The root element is the wrapper key of the body, or the body itself if the schema names it.

    :param schema: schema of the body; ``{"xml": {"name": ...}}`` names the root element of a body
        without a wrapper key.
    :raises ValueError: with a sentence for the caller.
    """
    is_wrapper = any(root.name in part.get('properties', {}) for part in _parts(schema))
    if not is_wrapper and schema.get('xml', {}).get('name') == root.name:
        return _object(root, schema)
    return {root.name: _value(root, _property(schema, root.name))}


def _value(node: Node, schema: dict[str, Any]) -> Any:
    kinds = _kinds(schema)
    if not node.children and not node.attributes:
        return _leaf(node.name, node.text, kinds)
    is_list = 'array' in kinds if kinds else _looks_like_list(node)
    return _list(node, schema) if is_list and not node.attributes else _object(node, schema)


def _looks_like_list(node: Node) -> bool:
    """Return whether an element that no schema has looks like a list."""
    if any(_is_keyed(child) for child in node.children):
        return False
    names = {child.name for child in node.children}
    return node.name in table.ALWAYS_LISTS or names in ({table.item_name(node.name)}, {table.ITEM})


def _is_keyed(node: Node) -> bool:
    return node.name == table.ITEM and table.ITEM_KEY in node.attributes


def _list(node: Node, schema: dict[str, Any]) -> list[Any]:
    _refuse_text(node)
    name = table.item_name(node.name)
    for child in node.children:
        if child.name not in (name, table.ITEM):
            raise ValueError(
                f"The element '{node.name[:80]}' must hold '{name[:80]}' elements only, "
                f"not '{child.name[:80]}'.")
    items = _items(schema)
    return [_value(child, items) for child in node.children]


def _object(node: Node, schema: dict[str, Any]) -> dict[str, Any]:
    _refuse_text(node)
    found: dict[str, Any] = {key: _leaf(key, text, _kinds(_property(schema, key)))
                             for key, text in node.attributes.items()}
    by_name: dict[str, list[Node]] = {}
    for child in node.children:
        name = child.name
        if _is_keyed(child):
            # A key that cannot be the name of an element, as it is written in responses.
            name, child = child.attributes[table.ITEM_KEY], dataclasses.replace(child, attributes={
                key: text for key, text in child.attributes.items() if key != table.ITEM_KEY})
        by_name.setdefault(name, []).append(child)
    for name, children in by_name.items():
        inner = _property(schema, name)
        if name in found or len(children) > 1:
            # Several elements of a name are a list. An attribute and an element of the same name
            # are a list too, which no schema accepts.
            items = _items(inner)
            found[name] = [
                *([found[name]] if name in found else []),
                *(_value(child, items) for child in children)
            ]
        else:
            found[name] = _value(children[0], inner)
    return found


def _refuse_text(node: Node) -> None:
    if node.text.strip():
        raise ValueError(
            f"The element '{node.name[:80]}' must not hold text beside elements or attributes.")


def _leaf(name: str, text: str, kinds: frozenset[str]) -> Any:
    if text.strip():
        return _scalar(text, kinds)
    if 'array' in kinds or (not kinds and name in table.ALWAYS_LISTS):
        return []
    if 'string' in kinds or not kinds:
        return text
    if 'object' in kinds:
        return {}
    return None if 'null' in kinds else text


def _scalar(text: str, kinds: frozenset[str]) -> Any:
    if 'null' in kinds and text == 'None':
        return None
    if 'string' in kinds:
        return text
    word = text.strip()
    if 'integer' in kinds and _INTEGER.match(word):
        return int(word)
    if 'number' in kinds and _NUMBER.match(word):
        return float(word)
    if 'boolean' in kinds:
        return _FLAGS.get(word.lower(), text)
    return text


# --- schemas -------------------------------------------------------------------------------------

def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema and the schemas that it is composed of."""
    yield schema
    for way in ('anyOf', 'oneOf', 'allOf'):
        for part in schema.get(way, ()):
            yield from _parts(part)


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    """Return the JSON types that a value can have; none if the schema leaves it open."""
    kinds: set[str] = set()
    for part in _parts(schema):
        named = part.get('type', ())
        kinds |= {named} if isinstance(named, str) else set(named)
        for value in [*part.get('enum', ()), *([part['const']] if 'const' in part else [])]:
            kinds.add(_KINDS[type(value)])
    return frozenset(kinds)


_KINDS = {
    str: 'string',
    bool: 'boolean',
    int: 'integer',
    float: 'number',
    type(None): 'null',
    dict: 'object',
    list: 'array'
}


def _property(schema: dict[str, Any], key: str) -> dict[str, Any]:
    others: dict[str, Any] = {}
    for part in _parts(schema):
        if key in part.get('properties', {}):
            return part['properties'][key]
        if isinstance(part.get('additionalProperties'), dict):
            others = part['additionalProperties']
    return others


def _items(schema: dict[str, Any]) -> dict[str, Any]:
    return next((part['items'] for part in _parts(schema) if 'items' in part), {})
