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

"""``openstack database …`` in this process: the installed client's own commands over the edge."""

import argparse
import functools
import importlib.metadata
import types
from typing import Any

import requests
from keystoneauth1 import session as keystone_session
from minicloud import inprocess
from swiftclient.exceptions import ClientException
from troveclient.v1 import client as trove_client

from tests.functional.api import tokens
from trove.cloud import clouds
from trove.conductor.manager import Manager as Conductor
from trove.db import operations, session
from trove.taskmanager import flows
from trove.taskmanager import tools as real_tools
from trove.taskmanager.api import TaskManagerAPI
from trove.taskmanager.models import Runner
from trove.taskmanager.step import Tools

ADDRESS = 'http://dbaas.example.net:8779'
#: Commands of the installed python-troveclient.
COMMANDS = {point.name: point
            for point in importlib.metadata.entry_points(group='openstack.database.v1')}
#: Commands of this project; openstackclient loads their group last.
OWN_COMMANDS = {point.name: point
                for point in importlib.metadata.entry_points(group='openstack.extension')
                if point.value.startswith('trove.client.')}


class Openstack:
    """Shell of a person with one token."""

    def __init__(self, edge: Any, token: str, commands: Any = None) -> None:
        self._commands = COMMANDS if commands is None else commands
        body = tokens.document(token)
        endpoint = f'{ADDRESS}/v1.0/{tokens.KNOWN[token].project}'
        body.add_service('database', 'trove').add_standard_endpoints(
            public=endpoint, internal=endpoint, admin=endpoint, region='RegionOne')
        transport = requests.Session()
        transport.mount(ADDRESS, inprocess.WSGIAdapter(edge.application))
        login = keystone_session.Session(auth=inprocess.TokenAuth(token, body), session=transport)
        projects = types.SimpleNamespace(get=lambda name: types.SimpleNamespace(id=name, name=name))
        self.database = trove_client.Client(session=login, region_name='RegionOne')
        self.client_manager = types.SimpleNamespace(
            database=self.database, identity=types.SimpleNamespace(projects=projects))
        self.options = argparse.Namespace()
        # The commands on logs log in at Keystone with a password to read the object store.
        self.database.instances._get_swift_client = lambda: Swift(edge, token)

    def __call__(self, words: str, *arguments: str) -> Any:
        """``openstack <words> <arguments>``: columns as a dict, rows as a list of dicts, or None.
        """
        made = self._commands[words.replace(' ', '_')].load()(self, argparse.Namespace())
        answer = made.take_action(made.get_parser(words).parse_args(list(arguments)))
        if answer is None:
            return None
        columns, values = answer
        values = list(values)
        if values and isinstance(values[0], (tuple, list)) and len(values[0]) == len(columns):
            return [dict(zip(columns, row, strict=True)) for row in values]
        return dict(zip(columns, values, strict=True)) if values else []


class Swift:
    """As much of swiftclient's connection as the client uses, over the object store of the edge."""

    def __init__(self, edge: Any, token: str) -> None:
        self._transport = edge.cloud.transport
        self._account = tokens.OBJECT_STORE + tokens.KNOWN[token].project
        self._token = token

    def _ask(self, method: str, path: str, **query: str) -> requests.Response:
        answer = self._transport.request(method, f'{self._account}/{path}', params=query,
                                         headers={'X-Auth-Token': self._token})
        if answer.status_code >= 400:
            raise ClientException(path, http_status=answer.status_code)
        return answer

    def get_container(self, name: str, prefix: str) -> tuple[Any, Any]:
        answer = self._ask('GET', name, prefix=prefix, format='json')
        return answer.headers, answer.json() if answer.content else []

    def head_object(self, container: str, name: str) -> Any:
        return self._ask('HEAD', f'{container}/{name}').headers

    def get_object(self, container: str, name: str) -> tuple[Any, bytes]:
        answer = self._ask('GET', f'{container}/{name}')
        return answer.headers, answer.content


class Staff:
    """Task manager and conductor behind the edge, which run on demand."""

    def __init__(self, edge: Any) -> None:
        self._edge, conf = edge, edge.conf
        self._conductor = Conductor(conf, TaskManagerAPI(edge.control, conf.taskmanager_queue),
                                    session.utcnow)
        edge.guests.server(conf.conductor_queue, 'here', [self._conductor]).start()
        self._runner = Runner(
            flows.registry(),
            Tools(conf=conf, clock=session.utcnow, cloud=functools.partial(
                clouds.service_cloud, conf), broker=None,
                guest=functools.partial(real_tools.guest_client, edge.guests,
                                        edge.keys), keys=edge.keys, read=session.read), 'here')
        for guest in edge.running.values():
            guest.machine.web = self._store

    def _store(self, url: str, content: bytes, headers: Any) -> None:
        assert self._edge.cloud.objects.put(url, content, dict(headers)) < 300

    def work(self, turns: int = 20) -> None:
        """Everybody in turn, until nothing is due."""
        for _turn in range(turns):
            for operation_id in session.read(operations.due, session.utcnow(), 100):
                self._runner.advance(operation_id)
            for guest in self._edge.running.values():
                guest.step()
            while self._conductor.flush():
                continue
