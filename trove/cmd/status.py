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

"""trove-status: checks before an upgrade."""

import sys

from oslo_config import cfg
from oslo_upgradecheck import common_checks
from oslo_upgradecheck import upgradecheck

from trove import version
from trove.common import cfg as options
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.rpc import keys
from trove.db import heartbeats, instance_keys, migration, modules, operations, session
from trove.taskmanager import flows

CONF = cfg.CONF


class Checks(upgradecheck.UpgradeCommands):
    """Upgrade checks, one per method."""

    def _schema(self) -> upgradecheck.Result:
        with session.engine().connect() as connection:
            found = migration.current(connection)
        if found == migration.head():
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(
            upgradecheck.Code.FAILURE,
            f'The schema is at {found or "nothing"}, this release needs {migration.head()}: '
            f'run trove-manage db_sync.')

    def _open_operations(self) -> upgradecheck.Result:
        if self._has_no_schema():
            return upgradecheck.Result(upgradecheck.Code.SUCCESS, 'Skipped; see above.')
        known = {kind: flow.version for kind, flow in flows.registry().items()}
        strange = [
            f'{row.number} {row.kind} of version {row.flow_version}'
            for row in session.read(operations.open_versions)
            if known.get(row.kind) != row.flow_version
        ]
        if not strange:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(
            upgradecheck.Code.WARNING,
            f'Open operations of another release: {", ".join(strange)}. Wait for them to end.')

    def _keys(self) -> upgradecheck.Result:
        problem = keys.secret_problem(CONF.inst_rpc_key_encr_key)
        if problem is None:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(upgradecheck.Code.FAILURE, f'inst_rpc_key_encr_key {problem}.')

    def _sealed_keys(self) -> upgradecheck.Result:
        if keys.secret_problem(CONF.inst_rpc_key_encr_key) is not None or self._has_no_schema():
            return upgradecheck.Result(upgradecheck.Code.SUCCESS, 'Skipped; see above.')
        ring = keys.KeyRing.from_conf(CONF)
        former = sum(not ring.is_current(row.encrypted_key)
                     for row in session.read(instance_keys.sealed))
        former += len(session.read(modules.not_sealed_as, f'{ring.current_prefix}%'))
        if not former:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(
            upgradecheck.Code.WARNING,
            f'{former} instance keys and modules are sealed under a former secret: run '
            f'trove-manage rotate_instance_keys.')

    def _guests(self) -> upgradecheck.Result:
        if self._has_no_schema():
            return upgradecheck.Result(upgradecheck.Code.SUCCESS, 'Skipped; see above.')
        ours = major(version.release())
        old = [
            f'{number} of version {found}'
            for found, number in session.read(heartbeats.agent_versions) if ours - major(found) > 1
        ]
        if not old:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(
            upgradecheck.Code.WARNING,
            f'Agents that are more than one release behind: {", ".join(old)}. Rebuild or '
            f'upgrade their instances with a present image.')

    def _policy_file(self) -> upgradecheck.Result:
        return common_checks.check_policy_json(self, CONF)

    def _heartbeats(self) -> upgradecheck.Result:
        if CONF.agent_heartbeat_expiry >= 3 * CONF.report_interval:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS)
        return upgradecheck.Result(
            upgradecheck.Code.WARNING,
            f'agent_heartbeat_expiry is less than three times report_interval; '
            f'{heartbeat_expiry(CONF)} seconds are used.')

    @staticmethod
    def _has_no_schema() -> bool:
        with session.engine().connect() as connection:
            return migration.current(connection) != migration.head()

    _upgrade_checks = (
        ('Schema', _schema),
        ('Open operations', _open_operations),
        ('Key-encryption secret', _keys),
        ('Instance keys', _sealed_keys),
        ('Guest agents', _guests),
        ('Policy file', _policy_file),
        ('Heartbeats', _heartbeats),
    )


def major(text: str) -> int:
    """Return the first number of a version, 0 if it has none."""
    first = text.partition('.')[0]
    return int(first) if first.isdecimal() else 0


def main() -> None:
    options.register(CONF)
    sys.exit(upgradecheck.main(CONF, project='trove', upgrade_command=Checks(), argv=sys.argv[1:]))


if __name__ == '__main__':
    main()
