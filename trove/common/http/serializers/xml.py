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

"""XML: UTF-8, one root element, mapped to and from a body by :mod:`.table`.

A document cannot make the parser work for it: document types, entities and references to other
documents are refused. Depth and number of elements are bounded here, the size by the request.
"""

import re
from typing import Any
from xml.parsers import expat
from xml.sax import saxutils

from defusedxml import common, ElementTree

from trove.common.http import faults
from trove.common.http.serializers import reading, table

CONTENT_TYPE = 'application/xml'
MEDIA_TYPES = ('application/xml', 'application/vnd.openstack.trove+xml')

#: Elements inside each other in a request.
MAX_DEPTH = 32
#: Elements and attributes of a request: a thousand users with their grants are far below.
MAX_NODES = 100_000

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_INDENT = '    '
_FAULTS = frozenset(faults.NAMES.values()) | {faults.UNEXPECTED}

#: Characters that XML cannot hold, not even escaped.
_IMPOSSIBLE = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*\Z')


# --- out -----------------------------------------------------------------------------------------

def dump(body: dict[str, Any], root: str = '') -> bytes:
    """Return the document of a body with or without a wrapper key.

    :param root: name of the root element of a body without wrapper key.
    """
    name, value = next(iter(body.items()))
    links = body.get('links') if name != 'links' else None
    # The next link under its second name is for clients of JSON.
    beside = body.keys() - {name, 'links', f'{name}_links'}
    if root or beside:
        name, value, links = root or table.ITEM, body, None
    lines = [_DECLARATION]
    _element(lines, name, value, '', links)
    return '\n'.join([*lines, '']).encode()


def _element(lines: list[str], name: str, value: Any, indent: str, links: Any = None) -> None:
    """Append the lines of an element.

    :param links: links of a page, last child of the root.
    """
    opening = f'{indent}<{_tag(name)}'
    if not indent and _has_namespace(name, value):
        opening += f' xmlns="{table.NAMESPACE}"'
    children: list[tuple[str, Any]] = []
    text = ''
    if isinstance(value, dict):
        for key, item in value.items():
            if _is_attribute(name, key, not indent, value) and not isinstance(item, (dict, list)):
                opening += f' {key}={saxutils.quoteattr(_text(item))}'
            else:
                children.append((key, item))
    elif isinstance(value, list):
        children = [(table.item_name(name), item) for item in value]
    else:
        text = saxutils.escape(_text(value), {'\r': '&#13;'})
    if links:
        children.append(('links', links))
    closing = f'</{_tag(name).partition(" ")[0]}>'
    if children:
        lines.append(f'{opening}>')
        for key, item in children:
            _element(lines, key, item, indent + _INDENT)
        lines.append(f'{indent}{closing}')
    else:
        lines.append(f'{opening}>{text}{closing}' if text else f'{opening}/>')


def _has_namespace(name: str, value: Any) -> bool:
    return name not in _FAULTS or (isinstance(value, dict) and 'retryAfter' in value)


def _is_attribute(element: str, key: str, is_root: bool, value: dict[str, Any]) -> bool:
    if not _NAME.match(key):
        return False
    if is_root and element in _FAULTS:
        return key in (table.RATE_FAULT_ATTRIBUTES
                       if 'retryAfter' in value else table.FAULT_ATTRIBUTES)
    return table.is_attribute(element, key)


def _tag(name: str) -> str:
    """Return the tag of an element; a key that cannot be a name becomes an attribute."""
    return name if _NAME.match(
        name) else f'{table.ITEM} {table.ITEM_KEY}={saxutils.quoteattr(_text(name))}'


def _text(value: Any) -> str:
    """Return the text of a value; booleans and null are ``True``, ``False`` and ``None``."""
    return _IMPOSSIBLE.sub('\ufffd', str(value))


# --- in ------------------------------------------------------------------------------------------

def load(data: bytes, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body of a document.

    :param schema: JSON schema of the body, which has the types of the elements.
    :raises ValueError: with a sentence for the caller.
    """
    try:
        text = data.decode('utf-8-sig')
    except UnicodeError:
        raise ValueError('The body holds characters that are not valid UTF-8.') from None
    builder = _Builder()
    # The text is decoded already, so the encoding of the declaration is ignored.
    parser = ElementTree.DefusedXMLParser(target=builder, encoding='utf-8', forbid_dtd=True,
                                          forbid_entities=True, forbid_external=True)
    try:
        parser.feed(text.encode())
        parser.close()
    except common.DefusedXmlException:
        raise ValueError('The body must not declare a document type or entities, or refer to other '
                         'documents.') from None
    except (ElementTree.ParseError, expat.ExpatError) as error:
        line = f' (line {error.position[0]})' if hasattr(error, 'position') else ''
        raise ValueError(f'The body is not well-formed XML{line}.') from None
    if builder.root is None:
        raise ValueError('The body is not well-formed XML.')
    return reading.read(builder.root, schema or {})


class _Builder:
    """Builder of the tree of a document, which refuses one with too many nodes."""

    def __init__(self) -> None:
        self.root: reading.Node | None = None
        self._open: list[reading.Node] = []
        self._nodes = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._nodes += 1 + len(attributes)
        if self._nodes > MAX_NODES:
            raise ValueError(f'The body has more than {MAX_NODES} elements and attributes.')
        if len(self._open) >= MAX_DEPTH:
            raise ValueError(f'The elements of the body are nested more than {MAX_DEPTH} deep.')
        # Namespaces are ignored, and so are attributes of foreign ones (xsi:..., xml:...).
        node = reading.Node(
            tag.rpartition('}')[2], {
                key: value
                for key, value in attributes.items()
                if not key.startswith('{')
            })
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def close(self) -> None:
        """Do nothing: the parser has checked that every element is closed."""
