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

"""``sandbox/up``: from whatever is there to a running service with a database in it."""

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from control import checks, cloud, host, images, keystone, mariadb, rabbitmq, swift, trove_services
from control import demo as demo_instance
from control.commands import CommandError, Commands
from control.rest import RestError
from control.sandbox import Sandbox
from control.services import ServiceError
from control.stages import Display, Runner, Stage, StageError, table

Say = Callable[[str], None]

#: What the user's three ways of giving up arrive as.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Up:
    """One run of the command."""

    def __init__(self, sandbox: Sandbox, display: Display, python: str, with_demo: bool,
                 wanted_images: Sequence[str] = ()) -> None:
        """:param wanted_images: images to make now besides that of the instance; see :func:`control.images.chosen`.

        :raises UnknownImage: there is none of that name.
        """
        self._sandbox = sandbox
        self._settings, self._store, self._commands = sandbox.settings, sandbox.store, sandbox.commands
        self._display = display
        self._python = python
        self._with_demo = with_demo
        self._offered = images.offered(self._settings)
        named = images.chosen(self._settings, wanted_images)
        # Those that are there already are brought up to date as well.
        self._made = [
            image for image in self._offered if image == self._offered[0] or image in named
            or images.identity(self._settings, image)
        ]
        self._demo = demo_instance.Demo(self._settings, self._store, self._commands)
        self._ids: dict[str, str] = {}
        self._image_ids: dict[str, str] = {}
        self._shown: dict = {}
        self._address = ''
        #: Whether machines can run because of this run, so that giving up takes them down.
        self._began_cloud = False
        self._made_bridge = False

    def run(self) -> None:
        """Do all stages.

        :raises Refused: this machine cannot carry it.
        :raises StageError: a stage failed; what this run started is stopped.
        :raises KeyboardInterrupt: the user gave up; likewise.
        """
        checks.check_host(self._settings, self._sandbox.running())
        for directory in (self._settings.logs, self._settings.run, self._settings.etc):
            directory.mkdir(parents=True, exist_ok=True)
        stages = self.stages()
        runner = Runner(stages, self._display, self._commands.cancel)
        try:
            runner.run()
        except BaseException:
            self._undo()
            raise
        self._display.plain('\n' + table(stages, runner.times, runner.began))
        self._display.plain(self._farewell() if self._with_demo else '')

    def stages(self) -> list[Stage]:
        """The plan. What a stage does not need, it does not wait for."""
        stages = [
            Stage('packages', 'Debian packages', self._packages),
            Stage('python', 'Python environment', self._python_environment),
            Stage('venv', 'Python packages', self._python_packages, needs=('python',)),
            *[
                Stage(f'image-{image.name}', f'guest image {image.name}',
                      functools.partial(self._image, image), needs=('packages', 'python'))
                for image in self._made
            ],
            Stage('rabbitmq', 'RabbitMQ', self._rabbitmq, needs=('packages',)),
            Stage('mariadb', 'control database', self._mariadb, needs=('packages',)),
            Stage('keystone', 'Keystone', self._keystone, needs=('venv', 'mariadb')),
            Stage('swift', 'Swift', self._swift, needs=('venv', 'packages')),
            Stage('tables', 'Trove tables', self._tables, needs=('venv', 'mariadb')),
            # Machines need the image only when one is asked for; the rest of the cloud does not wait for it.
            Stage('cloud', 'minicloud', self._cloud, needs=('keystone', 'packages')),
            Stage('register', f'datastore {self._offered[0].datastore}', self._register,
                  needs=('cloud', 'tables')),
            Stage('register-others', 'other datastores', self._register_others,
                  needs=('register',)),
            Stage('services', 'trove-api, -taskmanager, -conductor', self._services,
                  needs=('cloud', 'tables', 'rabbitmq')),
        ]
        if self._with_demo:
            first = ('services', 'register', f'image-{self._offered[0].name}')
            stages += [Stage('demo', 'instance demo', self._make_demo, needs=first),
                       Stage('query', 'query over the network', self._query, needs=('demo',))]
        return stages

    # --- stages

    def _packages(self, say: Say) -> str:
        note = host.install_packages(self._commands, say)
        cloud.check_machines(self._settings, self._commands, self._python)
        self._made_bridge = cloud.make_management_bridge(self._settings)
        return note

    def _python_environment(self, say: Say) -> str | None:
        return host.make_venv(self._settings, self._commands, self._python)

    def _python_packages(self, say: Say) -> str | None:
        return host.fill_venv(self._settings, self._commands, self._python)

    def _image(self, image: images.Image, say: Say) -> str:
        return images.build(self._settings, self._commands, image)

    def _rabbitmq(self, say: Say) -> str | None:
        rabbitmq.prepare(self._settings, self._store)
        self._sandbox.supervisor.start('epmd')
        return self._start('rabbitmq')

    def _mariadb(self, say: Say) -> str | None:
        mariadb.prepare(self._settings, self._commands)
        note = self._start('mariadb')
        mariadb.make_databases(self._settings, self._store, self._commands)
        return note

    def _keystone(self, say: Say) -> str | None:
        keystone.prepare(self._settings, self._store)
        keystone.make_tables(self._settings, self._store, self._commands)
        note = self._start('keystone')
        keystone.Directory(self._settings, self._store).fill()
        return note

    def _swift(self, say: Say) -> str | None:
        swift.prepare(self._settings, self._store)
        return self._start('swift')

    def _cloud(self, say: Say) -> str | None:
        session = keystone.session(self._settings, self._store, 'trove')
        session.login()
        cloud.prepare(self._settings, self._store, session.project_id)
        self._began_cloud = self._sandbox.supervisor.running('minicloud') is None
        note = self._start('minicloud')
        tenant = cloud.Tenant(self._settings, session)
        tenant.fill()
        self._ids, self._image_ids = tenant.identities(), tenant.images()
        trove_services.prepare(self._settings, self._store, self._ids)
        return note

    def _tables(self, say: Say) -> None:
        trove_services.make_tables(self._settings, self._store, self._commands)

    def _register(self, say: Say) -> str | None:
        return self._register_all(self._offered[:1])

    def _register_others(self, say: Say) -> str | None:
        return self._register_all(self._offered[1:])

    def _register_all(self, offered: list[images.Image]) -> str | None:
        fresh = [image.name for image in offered if trove_services.register(
            self._settings, self._commands, image, self._image_ids[image.glance_name])]
        return ', '.join(fresh) or 'known'

    def _services(self, say: Say) -> str | None:
        supervisor = self._sandbox.supervisor
        for name in trove_services.NAMES:
            supervisor.launch(name)
        return None if any([supervisor.start(name) for name in trove_services.NAMES]) else 'running'

    def _make_demo(self, say: Say) -> str:
        self._shown = self._demo.ensure(say, self._ids['private_network'], cloud.FLAVORS[0]['id'])
        self._address = self._demo.address(self._shown)
        return self._address

    def _query(self, say: Say) -> str:
        for attempt in range(120):
            try:
                return self._demo.query(self._address)
            except CommandError:
                # After sandbox/down the machine is only now starting again.
                if attempt == 119:
                    raise
                self._commands.wait(0.5)
        raise AssertionError('not reached')

    def _start(self, name: str) -> str | None:
        return None if self._sandbox.supervisor.start(name) else 'running'

    # --- the end

    def _undo(self) -> None:
        """Take back what this run has begun, and nothing that was there before."""
        self._display.plain('taking back what was begun …')
        if self._demo.made and not self._began_cloud:
            try:
                self._demo.forget()
            except RestError as error:
                self._display.plain(f'the unfinished instance could not be deleted: {error}')
        try:
            for name in self._sandbox.supervisor.undo():
                self._display.plain(f'stopped {name}')
            if self._began_cloud:
                cloud.take_down_machines(self._settings, Commands(self._settings.logs), purge=False)
            if self._made_bridge:
                cloud.remove_management_bridge(self._settings)
        except (ServiceError, CommandError) as error:
            self._display.plain(f'{error}\nrun sandbox/down')

    def _farewell(self) -> str:
        client = ' '.join(demo_instance.client(self._address)).replace(' --no-defaults', '')
        password = demo_instance.password(self._store)
        return f"""
The database of instance {self._shown['name']} ({self._shown['id']}) is at {self._address}:

  address    {self._address}:3306
  database   {demo_instance.DATABASE}
  user       {demo_instance.USER}
  password   {password}

{self._not_built()}Go on:

  MYSQL_PWD={password} {client}
  eval "$(sandbox/openrc demo)"
  openstack database instance list
  sandbox/status
  sandbox/down
"""

    def _not_built(self) -> str:
        """A sentence about the datastores whose images are made later; empty when there are none."""
        later = [image for image in self._offered if image not in self._made]
        if not later:
            return ''
        names = ', '.join(f'{image.datastore} {image.version}' for image in later)
        return (
            f'Also offered: {names}. Their images are built when the first instance asks for them, which takes a '
            f'minute or two\n(sandbox/status shows how far it is), or now with '
            f'sandbox/image {" ".join(image.datastore for image in later)}.\n\n')


def main(sandbox: Sandbox, python: str, with_demo: bool = True,
         wanted_images: Sequence[str] = ()) -> int:
    """Run the command; returns its exit code."""
    display = Display()
    try:
        with _giving_up_is_an_interrupt(), sandbox.alone():
            Up(sandbox, display, python, with_demo, wanted_images).run()
    except (checks.Refused, images.UnknownImage) as refusal:
        print('\n'.join(f'sandbox/up: {line}' for line in str(refusal).splitlines()),
              file=sys.stderr)
        return 2
    except StageError as failure:
        print(f'\nsandbox/up: {failure}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nsandbox/up: given up; nothing of it runs', file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def _giving_up_is_an_interrupt() -> Iterator[None]:
    """Have a hang-up or a polite kill treated as Ctrl-C, once; a second one does not disturb the taking back."""
    def interrupt(number: int, frame: object) -> None:
        for other in (*_SIGNALS, signal.SIGINT):
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in (*_SIGNALS, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
