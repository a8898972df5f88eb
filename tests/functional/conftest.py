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

"""Fixtures of every functional test: options, a database, and a clock that only tests move."""

import datetime
import os
import shutil

import pytest
from oslo_config import cfg

from trove.common import cfg as options
from trove.db import session, tables

CONF = cfg.CONF

KEY_ENCRYPTION_SECRET = 'functional tests only: 0123456789abcdef'


class Clock:
    """Clock, UTC without zone, that only :meth:`advance` moves."""

    def __init__(self) -> None:
        self.time = datetime.datetime(2031, 4, 2, 8, 15)

    def __call__(self) -> datetime.datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += datetime.timedelta(seconds=seconds)


@pytest.fixture(scope='session', autouse=True)
def _options():
    options.register(CONF)
    CONF([], project='trove', default_config_files=[], default_config_dirs=[])


@pytest.fixture
def conf(_options):
    """Return the configuration; overrides end with the test."""
    CONF([], project='trove', default_config_files=[], default_config_dirs=[])
    CONF.set_override('inst_rpc_key_encr_key', KEY_ENCRYPTION_SECRET)
    yield CONF
    CONF.clear_override('inst_rpc_key_encr_key')
    CONF.reset()
    for group in [None, *CONF._groups]:
        for name in list(CONF._opts if group is None else CONF._groups[group]._opts):
            CONF.clear_override(name, group)


@pytest.fixture(scope='session')
def empty_database(tmp_path_factory, _options):
    """Return a database file with the schema and no rows, to copy."""
    path = tmp_path_factory.mktemp('database') / 'empty.sqlite'
    CONF.set_override('connection', f'sqlite:///{path}', 'database')
    tables.metadata.create_all(session.engine())
    session.dispose()
    CONF.clear_override('connection', 'database')
    return path


@pytest.fixture
def database(conf, empty_database, tmp_path):
    """Provide an empty database for one test."""
    path = tmp_path / 'trove.sqlite'
    shutil.copy(empty_database, path)
    conf.set_override('connection', f'sqlite:///{path}', 'database')
    yield session
    session.dispose()


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Skip fsync: no test needs a disk that survives a power cut."""
    monkeypatch.setattr(os, 'fsync', lambda descriptor: None)


@pytest.fixture
def clock():
    return Clock()
