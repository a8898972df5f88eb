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

"""Policy rules, a module per resource; ``oslopolicy-*`` commands load them from here."""

import itertools

from oslo_policy import policy

from trove.common.policies import (backups, base, clusters, configurations, databases, datastores,
                                   flavors, instances, limits, mgmt, modules, operations, quotas,
                                   root, users)

MODULES = (base, instances, databases, users, root, backups, modules, configurations, datastores,
           flavors, clusters, limits, quotas, operations, mgmt)


def list_rules() -> list[policy.RuleDefault]:
    return list(itertools.chain.from_iterable(module.list_rules() for module in MODULES))
