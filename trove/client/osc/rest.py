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

"""Calls of the REST API that python-troveclient has no manager for."""

from typing import Any

from osc_lib import exceptions
from osc_lib import utils as osc_utils


def client_of(command: Any) -> Any:
    """Return the client that python-troveclient's plug-in has made for a command."""
    return command.app.client_manager.database


def get(database: Any, path: str) -> dict[str, Any]:
    """Return the body of a GET.

    :param database: client of python-troveclient.
    :param path: relative to the project's endpoint, with a leading slash.
    :raises troveclient.exceptions.ClientException: the API refused.
    """
    _response, body = database.client.get(path)
    return body


def post(database: Any, path: str, body: dict[str, Any]) -> None:
    """Send a POST.

    :raises troveclient.exceptions.ClientException: the API refused.
    """
    database.client.post(path, json=body)


def instance_id(database: Any, name: str) -> str:
    """Return the id of the instance with this id or name.

    :raises osc_lib.exceptions.CommandError: no instance, or more than one, has the name.
    """
    return osc_utils.find_resource(database.instances, name).id


def page(database: Any, path: str, key: str, limit: int | None) -> list[dict[str, Any]]:
    """Return the items of a list, newest first, over as many pages as it takes.

    :param key: key of the list in the body.
    :param limit: greatest number of items; None for all.
    """
    items: list[dict[str, Any]] = []
    marker = ''
    while True:
        query = f'?limit={min(limit - len(items), 100) if limit is not None else 100}'
        found = get(database, f'{path}{query}{marker}')
        items += found[key]
        has_more = any(link.get('rel') == 'next' for link in found.get('links', ()))
        if not has_more or (limit is not None and len(items) >= limit):
            return items[:limit]
        marker = f'&marker={items[-1]["id"]}'


def positive(text: str) -> int:
    """Return an option's text as a whole number of at least 1.

    :raises osc_lib.exceptions.CommandError: the text is another.
    """
    if not text.isdecimal() or int(text) < 1:
        raise exceptions.CommandError(f'{text}: must be a whole number of at least 1.')
    return int(text)
