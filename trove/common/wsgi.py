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

"""Factories that api-paste.ini names; the code is in :mod:`trove.common.http`."""

from trove.common.http.context import ContextMiddleware
from trove.common.http.fault_wrapper import FaultWrapper
from trove.common.http.urlmap import versioned_urlmap

__all__ = ['ContextMiddleware', 'FaultWrapper', 'versioned_urlmap']
