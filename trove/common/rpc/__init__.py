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

"""RPC between the services: two buses, sealed envelopes for guests, and message classes."""

import os

# oslo.messaging imports eventlet, and eventlet imports a DNS library that Trove never uses: 8 MB
# per process, too much for the agent of a 1 GB guest.
os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')
