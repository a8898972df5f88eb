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
"""Decisions about a cluster without one: sizes of the write-ahead log, reasons of errors."""

import pytest

from trove.guestagent.datastore.postgres import cluster


@pytest.mark.parametrize('size, expected', [
    (900, {'max_wal_size': '96MB', 'min_wal_size': '32MB', 'max_slot_wal_keep_size': '180MB'}),
    (20 * 1024, {'max_wal_size': '2048MB', 'min_wal_size': '512MB',
                 'max_slot_wal_keep_size': '4096MB'}),
    (2 ** 20, {'max_wal_size': '8192MB', 'min_wal_size': '1024MB',
               'max_slot_wal_keep_size': '65536MB'})])
def test_the_log_leaves_space_for_the_data(size, expected):
    assert cluster.volume_options(size) == expected


@pytest.mark.parametrize('output, reason', [
    ('2026-11-22 19:00:00.000 UTC [1] LOG:  unrecognized configuration parameter "x" in file '
     '"/etc/a.conf" line 1\n'
     '2026-11-22 19:00:00.000 UTC [1] LOG:  invalid value for parameter "work_mem": "much"\n'
     '2026-11-22 19:00:00.000 UTC [1] HINT:  Valid units for this parameter are "B", "kB", "MB", '
     '"GB", and "TB".\n'
     '2026-11-22 19:00:00.000 UTC [1] FATAL:  configuration file "/etc/a.conf" contains errors',
     'unrecognized configuration parameter "x" in file "/etc/a.conf" line 1; '
     'invalid value for parameter "work_mem": "much"'),
    ('postgres: superuser_reserved_connections (5) must be less than max_connections (3)',
     'superuser_reserved_connections (5) must be less than max_connections (3)'),
    ('FATAL:  database files are incompatible with server',
     'database files are incompatible with server'),
    ('something else', 'something else')])
def test_the_reason_is_found_in_the_output(output, reason):
    assert cluster.reason(output) == reason
