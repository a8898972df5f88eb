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

"""trove-status: questions an operator should ask before an upgrade."""

import sys

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from trove.common import cfg as options
from trove.common.rpc import keys
from trove.db import migration, operations, session
from trove.taskmanager import flows

CONF = cfg.CONF


class Checks(upgradecheck.UpgradeCommands):
    """Each method answers one question."""

    def _schema(self) -> upgradecheck.Result:
        with session.engine().connect() as connection:
            found = migration.current(connection)
        if found == migration.head():
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(upgradecheck.Code.FAILURE,
                                   f'The schema is at {found or "nothing"}, this release wants {migration.head()}: '
                                   f'run trove-manage db_sync.')

    def _open_operations(self) -> upgradecheck.Result:
        known = {kind: flow.version for kind, flow in flows.registry().items()}
        strange = [f'{row.number} {row.kind} of version {row.flow_version}'
                   for row in session.read(operations.open_versions) if known.get(row.kind) != row.flow_version]
        if not strange:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(upgradecheck.Code.WARNING,
                                   f'Open operations of another release: {", ".join(strange)}. Wait for them to end.')

    def _keys(self) -> upgradecheck.Result:
        problem = keys.secret_problem(CONF.inst_rpc_key_encr_key)
        if problem is None:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(upgradecheck.Code.FAILURE, f'inst_rpc_key_encr_key {problem}.')

    _upgrade_checks = (
        ('Schema', _schema),
        ('Open operations', _open_operations),
        ('Key-encryption secret', _keys),
    )


def main() -> None:
    options.register(CONF)
    sys.exit(upgradecheck.main(CONF, project='trove', upgrade_command=Checks(), argv=sys.argv[1:]))


if __name__ == '__main__':
    main()
