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

"""The agent's process imports what it needs and nothing of the control plane: memory belongs to the database."""

import json
import subprocess
import sys

#: Resident megabytes after the imports; connections, threads and work add about 8.
LIMIT = 50

_PROGRAM = """
import json, sys
import trove.cmd.guest
import trove.guestagent.datastore.mariadb.engine
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
print(json.dumps({'rss': int(status['VmRSS'].split()[0]) / 1024, 'modules': [
    name for name, module in sys.modules.items() if module is not None]}))
"""


def test_imports_of_the_agent():
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', _PROGRAM], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    top = {name.partition('.')[0] for name in found['modules']}
    assert not top & {'eventlet', 'dns', 'sqlalchemy', 'alembic', 'requests', 'urllib3', 'jinja2', 'webob', 'routes',
                      'openstack', 'novaclient', 'keystoneauth1', 'keystonemiddleware', 'cotyledon', 'OpenSSL'}
    ours = {name for name in found['modules'] if name.startswith('trove.')}
    assert {name.split('.')[1] for name in ours} <= {'cmd', 'common', 'conductor', 'guestagent', 'version'}
    assert 'trove.guestagent.api' not in ours and 'trove.conductor.manager' not in ours
    assert found['rss'] < LIMIT
