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

"""All stories, each in a world of its own: in JSON, and again with each body in XML.

Each response is also checked against the OpenAPI document.
"""

import unittest

import pytest
from gabbi import handlers, suitemaker

from tests.functional.api import stories, worlds
from tests.functional.api.contract import Watched
from tests.functional.api.in_xml import Interpreter

HANDLERS = [handler() for handler in handlers.RESPONSE_HANDLERS]


@pytest.mark.parametrize('name', stories.names())
def test_story(edge, name):
    run(edge, name, Watched(edge.application))


def in_xml():
    """Return the stories to run in XML: one for each resource, and the others in the long run.

    The one is the story with the most requests.
    """
    families = {}
    for name in stories.names():
        if not name.startswith('xml'):
            families.setdefault(name.partition('-')[0], []).append(name)
    for names in families.values():
        longest = max(names, key=lambda name: len(stories.load(
            stories.DIRECTORY / f'{name}.yaml')['tests']))
        for name in names:
            yield pytest.param(name, marks=[] if name == longest else pytest.mark.long)


@pytest.mark.parametrize('name', in_xml())
def test_story_in_xml(edge, name):
    interpreter = Interpreter(edge.application)
    run(edge, name, Watched(interpreter))
    assert interpreter.answers


def run(edge, name, application):
    path = stories.DIRECTORY / f'{name}.yaml'
    story = stories.load(path, worlds.make(edge, stories.load(path).get('world', [])))
    headers = {'x-auth-token': 'demo', 'content-type': 'application/json'}
    defaults = story.setdefault('defaults', {})
    defaults['request_headers'] = {**headers, **defaults.get('request_headers', {})}
    suite = suitemaker.test_suite_from_dict(unittest.defaultTestLoader, name, story,
                                            str(stories.DIRECTORY), 'dbaas.example.net', 8779, None,
                                            lambda: application, handlers=HANDLERS,
                                            test_loader_name='story')
    result = unittest.TestResult()
    suite.run(result)
    problems = [
        f'{test}: {trace.splitlines()[-1]}' for test, trace in result.failures + result.errors
    ]
    assert not problems, '\n'.join(problems)
    assert result.testsRun == len(story['tests'])
    assert not result.skipped
