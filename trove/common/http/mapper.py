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

"""From method and path to the controller, by a table of segments.

A path that nobody knows and a method that a path does not know are both 404: clients were never told 405.
"""

from collections.abc import Iterable
from typing import NamedTuple

from trove.common import exception
from trove.common.http.route import Route


class _Node:
    __slots__ = ('fixed', 'named', 'routes')

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.named: _Node | None = None
        self.routes: dict[str, Route] = {}


class Match(NamedTuple):
    route: Route
    arguments: dict[str, str]
    #: format suffix that was cut off the path, '' for none
    suffix: str


class Router:
    """Finds routes in time that depends on the length of the path only. Fixed segments win over named ones."""

    def __init__(self, routes: Iterable[Route], suffixes: Iterable[str] = ('json',)) -> None:
        self._root = _Node()
        self._suffixes = tuple(suffixes)
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split('/')[1:]:
            if segment.startswith('{'):
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.fixed.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f'{route.method} {route.path} is in the table twice')
        node.routes[route.method] = route

    def match(self, method: str, path: str) -> Match:
        """:raises trove.common.exception.NotFound:"""
        segments = path.split('/')[1:]
        stem, dot, suffix = segments[-1].rpartition('.')
        if dot and stem and suffix in self._suffixes:
            found = self._find(method, [*segments[:-1], stem])
            if found is not None and not found[0].whole:
                return Match(found[0], self._arguments(*found), suffix)
        found = self._find(method, segments)
        if found is None:
            raise exception.NotFound('The resource could not be found.')
        return Match(found[0], self._arguments(*found), '')

    def _find(self, method: str, segments: list[str]) -> tuple[Route, list[str]] | None:
        # Both ways are tried at each segment: /datastores/versions/... must not hide /datastores/{name}/...
        waiting = [(self._root, 0)]
        while waiting:
            node, position = waiting.pop()
            if position == len(segments):
                if method in node.routes:
                    return node.routes[method], segments
                continue
            segment = segments[position]
            if node.named is not None and segment:
                waiting.append((node.named, position + 1))
            if segment in node.fixed:
                waiting.append((node.fixed[segment], position + 1))
        return None

    @staticmethod
    def _arguments(route: Route, segments: list[str]) -> dict[str, str]:
        names = route.path.split('/')[1:]
        return {name[1:-1]: segment for name, segment in zip(names, segments, strict=True)
                if name.startswith('{') and name != '{project_id}'}
