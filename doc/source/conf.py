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

"""Sphinx configuration of the documentation."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'doc/ext'), str(ROOT / 'sandbox')]

from trove.common import api  # noqa: E402

project = 'Trove'
copyright = 'OpenStack Foundation'
extensions = [
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'reno.sphinxext',
    'sphinxarg.ext',
]
exclude_patterns = []
pygments_style = 'native'
html_theme = 'openstackdocs'
openstackdocs_repo_name = 'openstack/trove'
openstackdocs_bug_project = 'trove'
openstackdocs_bug_tag = 'doc'
openstackdocs_auto_name = False


def write_openapi(app):
    """Write the OpenAPI document that reference/openapi.rst offers for download."""
    path = pathlib.Path(app.srcdir) / 'reference/_generated/openapi.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(api.contract(), indent=2), encoding='utf-8')


def setup(app):
    app.connect('builder-inited', write_openapi)
