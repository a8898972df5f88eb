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

"""Check of the files and names that the contributor guide points to."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
GUIDE = ROOT / 'doc/source/contributor'
QUESTIONS = re.findall(r'   \* - (.+\?)\n     - ``(\S+)``\n     - ``(\S+)``\n',
                       (GUIDE / 'questions.rst').read_text())
#: Files and directories of the repository that a page names, with or without a closing slash.
PATH = re.compile(r'``((?:trove|tests|tools|sandbox|image|etc|doc|api-ref)/[\w./-]+)``')
PAGES = sorted(page for page in GUIDE.glob('*.rst'))
#: Files that a recipe has the reader create.
NEW = {'trove/taskmanager/flows/instance_freeze.py'}


def names_in(text: str) -> set[str]:
    """Return the names that a module defines, and the strings that it contains."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_there_are_twenty_questions():
    assert len(QUESTIONS) == len({question for question, *_ in QUESTIONS}) == 20


@pytest.mark.parametrize(('question', 'path', 'name'), QUESTIONS,
                         ids=[question[:40] for question, *_ in QUESTIONS])
def test_an_answer_names_a_file_with_the_name(question, path, name):
    assert name in names_in((ROOT / path).read_text()), f'{path} does not define {name}'


@pytest.mark.parametrize('page', PAGES, ids=[page.name for page in PAGES])
def test_a_path_in_the_guide_exists(page):
    named = {path.rstrip('/.') for path in PATH.findall(page.read_text())} - NEW
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
