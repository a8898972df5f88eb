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

"""The command ``sandbox/up``: start all services and create a demo instance."""

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from control import checks, cloud, host, images, keystone, machines, mariadb, rabbitmq, swift
from control import demo as demo_instance
from control import tenant, trove_services
from control.commands import CommandError, Commands
from control.rest import RestError
from control.sandbox import Sandbox
from control.services import ServiceError
from control.stages import Display, Runner, Stage, StageError, table

Report = Callable[[str], None]

#: Signals that cancel the run, besides SIGINT: hang-up and termination.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Up:
    """One run of the command."""

    def __init__(self, sandbox: Sandbox, display: Display, python: str, with_demo: bool,
                 requested_images: Sequence[str] = ()) -> None:
        """Prepare the run.

        :param requested_images: images to build besides that of the demo instance; see
            :func:`control.images.chosen`.
        :raises UnknownImage: a word selects no image.
        """
        self._sandbox = sandbox
        self._settings, self._store = sandbox.settings, sandbox.store
        self._commands = sandbox.commands
        self._display = display
        self._python = python
        self._with_demo = with_demo
        self._offered = images.offered(self._settings)
        named = images.chosen(self._settings, requested_images)
        # Existing images are updated as well.
        self._made = [
            image for image in self._offered if image == self._offered[0] or image in named
            or images.identity(self._settings, image)
        ]
        self._demo = demo_instance.Demo(self._settings, self._store, self._commands)
        self._ids: dict[str, str] = {}
        self._image_ids: dict[str, str] = {}
        self._shown: dict = {}
        self._address = ''
        #: True when this run started minicloud: cancelling then stops the machines too.
        self._began_cloud = False
        self._made_bridge = False

    def run(self) -> None:
        """Run all stages.

        :raises Refused: this host does not meet the requirements.
        :raises StageError: a stage failed; what this run started is stopped.
        :raises KeyboardInterrupt: the user cancelled; what this run started is stopped.
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
        """Return the stages; each waits only for those it needs."""
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
            # Only instances need an image; the cloud itself does not wait for it.
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

    # --- the stages

    def _packages(self, report: Report) -> str:
        note = host.install_packages(self._commands, report)
        machines.check(self._settings, self._commands, self._python)
        self._made_bridge = machines.make_management_bridge(self._settings)
        return note

    def _python_environment(self, report: Report) -> str | None:
        return host.make_venv(self._settings, self._commands, self._python)

    def _python_packages(self, report: Report) -> str | None:
        return host.fill_venv(self._settings, self._commands, self._python)

    def _image(self, image: images.Image, report: Report) -> str:
        return images.build(self._settings, self._commands, image)

    def _rabbitmq(self, report: Report) -> str | None:
        rabbitmq.prepare(self._settings, self._store)
        self._sandbox.supervisor.start('epmd')
        return self._start('rabbitmq')

    def _mariadb(self, report: Report) -> str | None:
        mariadb.prepare(self._settings, self._commands)
        note = self._start('mariadb')
        mariadb.make_databases(self._settings, self._store, self._commands)
        return note

    def _keystone(self, report: Report) -> str | None:
        keystone.prepare(self._settings, self._store)
        keystone.make_tables(self._settings, self._store, self._commands)
        note = self._start('keystone')
        keystone.Directory(self._settings, self._store).fill()
        return note

    def _swift(self, report: Report) -> str | None:
        swift.prepare(self._settings, self._store)
        return self._start('swift')

    def _cloud(self, report: Report) -> str | None:
        session = keystone.session(self._settings, self._store, 'trove')
        session.login()
        cloud.prepare(self._settings, self._store, session.project_id)
        self._began_cloud = self._sandbox.supervisor.running('minicloud') is None
        note = self._start('minicloud')
        resources = tenant.Tenant(self._settings, session)
        resources.fill()
        self._ids, self._image_ids = resources.identities(), resources.images()
        trove_services.prepare(self._settings, self._store, self._ids)
        return note

    def _tables(self, report: Report) -> None:
        trove_services.make_tables(self._settings, self._store, self._commands)

    def _register(self, report: Report) -> str | None:
        return self._register_all(self._offered[:1])

    def _register_others(self, report: Report) -> str | None:
        return self._register_all(self._offered[1:])

    def _register_all(self, offered: list[images.Image]) -> str | None:
        fresh = [image.name for image in offered if trove_services.register(
            self._settings, self._commands, image, self._image_ids[image.glance_name])]
        return ', '.join(fresh) or 'known'

    def _services(self, report: Report) -> str | None:
        supervisor = self._sandbox.supervisor
        for name in trove_services.NAMES:
            supervisor.launch(name)
        return None if any([supervisor.start(name) for name in trove_services.NAMES]) else 'running'

    def _make_demo(self, report: Report) -> str:
        self._shown = self._demo.ensure(report, self._ids['private_network'],
                                        cloud.FLAVORS[0]['id'])
        self._address = self._demo.address(self._shown)
        return self._address

    def _query(self, report: Report) -> str:
        for attempt in range(120):
            try:
                return self._demo.query(self._address)
            except CommandError:
                # After sandbox/down the machine may still be booting.
                if attempt == 119:
                    raise
                self._commands.wait(0.5)
        raise AssertionError('not reached')

    def _start(self, name: str) -> str | None:
        return None if self._sandbox.supervisor.start(name) else 'running'

    # --- the end of the run

    def _undo(self) -> None:
        """Stop what this run has started, and nothing that ran before."""
        self._display.plain('stopping what this run started …')
        if self._demo.made and not self._began_cloud:
            try:
                self._demo.forget()
            except RestError as error:
                self._display.plain(f'the unfinished instance could not be deleted: {error}')
        try:
            for name in self._sandbox.supervisor.undo():
                self._display.plain(f'stopped {name}')
            if self._began_cloud:
                machines.take_down(self._settings, Commands(self._settings.logs), purge=False)
            if self._made_bridge:
                machines.remove_management_bridge(self._settings)
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
        """Return a sentence about the datastores without an image; empty if all are built."""
        later = [image for image in self._offered if image not in self._made]
        if not later:
            return ''
        names = ', '.join(f'{image.datastore} {image.version}' for image in later)
        return (
            f'Also offered: {names}. Their images are built for the first instance, which takes a '
            'minute or two\n(sandbox/status shows the progress), or now with sandbox/image '
            f'{" ".join(image.datastore for image in later)}.\n\n')


def main(sandbox: Sandbox, python: str, with_demo: bool = True,
         requested_images: Sequence[str] = ()) -> int:
    """Run the command and return its exit code."""
    display = Display()
    try:
        with _giving_up_is_an_interrupt(), sandbox.alone():
            Up(sandbox, display, python, with_demo, requested_images).run()
    except (checks.Refused, images.UnknownImage) as refusal:
        print('\n'.join(f'sandbox/up: {line}' for line in str(refusal).splitlines()),
              file=sys.stderr)
        return 2
    except StageError as failure:
        print(f'\nsandbox/up: {failure}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nsandbox/up: cancelled; everything this run started is stopped', file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def _giving_up_is_an_interrupt() -> Iterator[None]:
    """Treat SIGHUP and SIGTERM like Ctrl-C, once; later signals are ignored while the run is
    reverted.
    """
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
