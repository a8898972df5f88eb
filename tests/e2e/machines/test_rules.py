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
"""Parameter rules compared with the engine of the image, for engines that this machine lacks."""

import dataclasses
import json
import pathlib

import pytest

from .conftest import EVERYTHING_OUT

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(180)]

ROOT = pathlib.Path(__file__).parents[3]
ASK = ('import json, sys; sys.path.insert(0, "/run"); from rules import valkey; '
       'print(json.dumps(valkey.rules()))')


def test_the_rules_of_valkey_match_its_image(site):
    spec = site.spec(site.port(EVERYTHING_OUT), name='rules', config_drive=True)
    spec = dataclasses.replace(spec,
                               image_path=str(site.image.parents[1] / 'valkey-8.0' / 'rootfs'))
    site.hypervisor.create_server(spec)
    try:
        site.await_up(spec)
        site.run(spec, 'mkdir /run/rules')
        for name in ('__init__', 'redis', 'valkey'):
            site.put(spec, f'/run/rules/{name}.py',
                     (ROOT / 'tools' / 'rules' / f'{name}.py').read_text())
        found = json.loads(site.run(spec, f"/opt/trove-guest/bin/python3 -I -c '{ASK}'",
                                    timeout=120))
    finally:
        site.hypervisor.delete_server(spec.id)
    kept = json.loads(
        (ROOT / 'trove' / 'templates' / 'valkey' / 'validation-rules.json').read_text())
    assert found == kept['configuration-parameters']
