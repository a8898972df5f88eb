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

"""Default value of every parameter, as the engine reports it, against the shipped rules."""

import json
import pathlib
import socket
import subprocess

import pytest
from rules import mariadb, postgresql

from trove.cmd import manage
from trove.configuration import values

TEMPLATES = pathlib.Path(__file__).parents[3] / 'trove' / 'templates'


class Stored:
    """Row of ``datastore_configuration_parameters``."""

    def __init__(self, **columns):
        self.__dict__.update(columns)


def rules_of(engine):
    path = TEMPLATES / engine / 'validation-rules.json'
    return [values.rule(Stored(**manage._rule(str(path), rule)))
            for rule in json.loads(path.read_text())['configuration-parameters']]


def mariadb_defaults():
    # MariaDB reports ON and OFF, configuration files accept 1 and 0 as well.
    flags = {'ON': '1', 'OFF': '0'}
    return {name.lower(): flags.get(value, value) if kind == 'BOOLEAN' else value
            for name, kind, value in mariadb.query(
                'SELECT VARIABLE_NAME, VARIABLE_TYPE, DEFAULT_VALUE '
                'FROM information_schema.SYSTEM_VARIABLES WHERE DEFAULT_VALUE IS NOT NULL')}


def postgresql_defaults():
    flags = {'on': 'true', 'off': 'false'}
    return {name: flags.get(value, value) if kind == 'bool' else value
            for name, kind, value in postgresql.query(
                'SELECT lower(name), vartype, boot_val FROM pg_settings '
                'WHERE boot_val IS NOT NULL')}


def redis_defaults(tmp_path):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = str(probe.getsockname()[1])
    server = subprocess.Popen(['redis-server', '--port', port, '--bind', '127.0.0.1', '--save', '',
                               '--dir', str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        ask = ['redis-cli', '-p', port, '--json', 'CONFIG', 'GET', '*']
        for _try in range(100):
            done = subprocess.run(ask, check=False, capture_output=True, text=True)
            if done.returncode == 0 and done.stdout.startswith('{'):
                break
            server.poll()
        found = json.loads(done.stdout)
    finally:
        server.terminate()
        server.wait(30)
    flags = {'yes': 'true', 'no': 'false'}
    return {name: flags.get(value, value) for name, value in found.items()}


def refused(rules, defaults):
    """Return the parameters that refuse their own default, with it."""
    known = {rule.name: rule for rule in rules}
    typed = values.from_text(rules, {name: text for name, text in defaults.items()
                                     if name in known})
    assert len(typed) > 0.9 * len(known)
    return {name: typed[name] for name in values.unfit(rules, typed)}


@pytest.mark.parametrize('engine', ['mariadb', 'postgresql', 'redis'])
def test_defaults_of_the_engine_are_accepted(engine, tmp_path):
    defaults = {'mariadb': mariadb_defaults, 'postgresql': postgresql_defaults,
                'redis': lambda: redis_defaults(tmp_path)}[engine]()
    assert refused(rules_of(engine), defaults) == {}
