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
"""Server of Redis, and of Valkey if this machine has it."""

import os
import pathlib
import shutil

from tests.functional.guestagent.real_server import RealServer
from trove.common import template
from trove.guestagent.datastore.engine import Place
from trove.guestagent.datastore.redis import connection
from trove.guestagent.datastore.redis.engine import Redis, Valkey

ENGINES = [engine for engine in (Redis, Valkey) if shutil.which(f'{engine.product}-server')]
VERSIONS = {Redis: '7.0', Valkey: '8.0'}


class Server(RealServer):
    """Server started as in a guest, but without network."""

    umask = 0o077

    def __init__(self, kind: type[Redis], directory: pathlib.Path) -> None:
        super().__init__(directory)
        self.kind = kind
        self.product = kind.product
        mount = directory / 'mount'
        self.place = Place(str(mount), str(mount / 'data'), str(mount / 'trove'))
        self.layers = directory / 'layers'
        self.layers.mkdir()
        (directory / 'server.conf').write_text(f'include {self.layers}/*.conf\n')
        self.socket = str(directory / 'run' / 'server.sock')
        self.engine = self.another_engine()

    def another_engine(self) -> Redis:
        """Return a new engine, as another process of the agent would have."""
        return self.kind(socket=self.socket, mount_point=self.place.mount_point,
                         configuration=str(self.directory / 'server.conf'))

    def create(self) -> None:
        os.makedirs(self.place.state_directory, mode=0o711)
        os.makedirs(os.path.dirname(self.socket))
        shutil.chown(self.place.mount_point, self.product, self.product)
        shutil.chown(os.path.dirname(self.socket), self.product, self.product)
        self.engine.initialise(self.place, 10)
        self.write(
            '70-trove-base.conf',
            template.render(self.product, VERSIONS[self.kind], {'ram': 1024}, 1, template_path=''))
        system = {**self.engine.system_options(self.place), 'port': '0', 'supervised': 'no'}
        self.write('80-trove-system-agent.conf', self.engine.render_options(system))

    def write(self, name: str, text: str) -> None:
        (self.layers / name).write_text(text)

    def command(self) -> list[str]:
        return ['setpriv', f'--reuid={self.product}', f'--regid={self.product}', '--clear-groups',
                f'{self.product}-server', str(self.directory / 'server.conf')]

    def agent(self):
        return self.engine._session()

    def as_user(self, name: str, password: str, *words: str):
        """Run one command as a user; raise a refusal of the server."""
        with connection.session(self.socket, None) as session:
            session.call('AUTH', name, password)
            return session.call(*words) if words else None


def make(engine, name='clerk', password='secret'):
    engine.create_user({'name': name, 'password': password, 'host': '%'})
