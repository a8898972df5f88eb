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

"""Entry point of the process. Swift's servers are eventlet programs, so four green threads in one
process run them.
"""

import sys

from swift.common import utils

# Monkey-patching must come before every other import.
utils.monkey_patch()

from objectstore import servers  # noqa: E402

if __name__ == '__main__':
    servers.run(sys.argv[1])
