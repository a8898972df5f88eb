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
"""The templates of all engines and sizes start the real engine, by the agent's own steps, in a
machine of that size.
"""

import dataclasses
import json
import os
import pathlib

import pytest

from trove.common import template

from .conftest import EVERYTHING_OUT, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RECIPES = pathlib.Path(__file__).parents[3] / 'image' / 'datastores'
SIZES = (512, 1024, 2048, 4096, 16384, 65536, 262144)
#: Left to this machine.
RESERVE = 2048

#: Prepares a server on the root disk with the configuration it is given.
PREPARE = '''
import json, sys
from trove.common.rpc import messages
from trove.guestagent import dbaas
from trove.guestagent.datastore.manager import Manager
from trove.guestagent.system.machine import Machine
given = json.load(sys.stdin)
engine = dbaas.engine_for(given["manager"])
manager = Manager(engine, Machine("/var/lib/trove-guest"))
manager.preparation.run(messages.Prepare(
    command_id="sizing", datastore_version=given["version"],
    mount_point=engine.description.mount_point,
    memory_mb=given["ram"], new_volume=True, device={}, config_contents=given["text"]))
unit = engine.description.unit
print(json.dumps({"health": manager.lifecycle.health().status,
                  "options": manager.configuration.options(), "unit": unit}))
'''


def memory() -> int:
    """MB of this machine."""
    text = pathlib.Path('/proc/meminfo').read_text()
    return int(text.split('MemTotal:')[1].split()[0]) // 1024


def images() -> list[tuple[str, str, str]]:
    """(name, manager, version) of each image there is a recipe for."""
    found = []
    for path in sorted(RECIPES.glob('*/datastore.conf')):
        words = dict(
            line.split('=')
            for line in path.read_text().splitlines()
            if '=' in line and line[0] != '#')
        found.append((path.parent.name, words['MANAGER'], words['VERSION']))
    return found


#: Engines that are tried with every change; the others when there is time.
OFTEN = ('mariadb', 'postgresql', 'redis')
CASES = [pytest.param(*image, ram, marks=[] if image[1] in OFTEN else pytest.mark.long)
         for image in images() for ram in SIZES if ram <= memory() - RESERVE]


def kills(site: Site, server_id: str) -> int:
    """Processes of a machine that were ended because its memory was full."""
    limits = [path for path in pathlib.Path('/sys/fs/cgroup').rglob(f'*{server_id}*/memory.*')
              if path.name in ('memory.events', 'memory.oom_control')]
    assert limits, 'the machine has no bound of its memory'
    return sum(int(line.split()[1]) for path in limits for line in path.read_text().splitlines()
               if line.startswith('oom_kill '))


@pytest.mark.parametrize(('image', 'manager', 'version', 'ram'), CASES)
def test_it_starts_with_that_much_memory(site, image, manager, version, ram):
    directory = pathlib.Path(os.environ.get('TROVE_SANDBOX_DIR', '/var/lib/trove-sandbox'))
    tree = directory.resolve() / 'images' / image / 'rootfs'
    assert (tree / 'etc/os-release').exists(), f'{tree} is missing: sandbox/image {image}'
    spec = site.spec(site.port(EVERYTHING_OUT), name=f'{manager}-{ram}', ram_mb=ram,
                     config_drive=True)
    spec = dataclasses.replace(spec, image_path=str(tree))
    site.hypervisor.create_server(spec)
    try:
        site.await_up(spec)
        text = template.render(manager, version, {'ram': ram, 'vcpus': 2}, 77, template_path='')
        given = {'manager': manager, 'version': version, 'ram': ram, 'text': text}
        site.put(spec, '/run/given.json', json.dumps(given))
        site.put(spec, '/run/prepare.py', PREPARE)
        printed = site.run(spec, '/opt/trove-guest/bin/python3 -I /run/prepare.py < '
                                 '/run/given.json',
                           timeout=120)
        outcome = json.loads(printed.splitlines()[-1])
        assert outcome['health'] == 'healthy', printed
        assert outcome['options'], 'the configuration was read'
        assert site.run(spec, f'systemctl show --value -p NRestarts '
                              f'{outcome["unit"]}').strip() == '0'
        assert kills(site, spec.id) == 0
    finally:
        site.hypervisor.delete_server(spec.id)
