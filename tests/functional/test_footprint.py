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

"""Imports of each process: the memory of the agent's machine belongs to the database."""

import json
import subprocess
import sys

import pytest

#: Resident megabytes after the imports; connections, threads and work add about 8.
LIMIT = 50

_PROGRAM = """
import json, sys
import {}
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
print(json.dumps({{'rss': int(status['VmRSS'].split()[0]) / 1024, 'modules': [
    name for name, module in sys.modules.items() if module is not None]}}))
"""


def imported(*modules):
    """Return ``rss`` in megabytes and the names of all ``modules`` after these imports."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         _PROGRAM.format(', '.join(modules))], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def top(found):
    return {name.partition('.')[0] for name in found['modules']}


def test_imports_of_the_agent():
    found = imported('trove.cmd.guest', 'trove.guestagent.datastore.mariadb.engine')
    assert not top(found) & {
        'eventlet', 'dns', 'sqlalchemy', 'alembic', 'requests', 'urllib3', 'jinja2', 'webob',
        'routes', 'openstack', 'novaclient', 'keystoneauth1', 'keystonemiddleware', 'cotyledon',
        'OpenSSL'
    }
    ours = {name for name in found['modules'] if name.startswith('trove.')}
    assert {name.split('.')[1]
            for name in ours} <= {'cmd', 'common', 'conductor', 'guestagent', 'version'}
    assert 'trove.guestagent.api' not in ours and 'trove.conductor.manager' not in ours
    assert found['rss'] < LIMIT


@pytest.mark.parametrize(
    'modules', [('trove.cmd.taskmanager', 'trove.taskmanager.manager', 'trove.taskmanager.tools'),
                ('trove.cmd.conductor', 'trove.conductor.manager')])
def test_services_with_native_threads_load_nothing_of_green_ones(modules):
    found = imported(*modules)
    assert 'oslo_messaging' in top(found) and 'sqlalchemy' in top(found)
    assert not top(found) & {'eventlet', 'greenlet', 'dns', 'OpenSSL'}
