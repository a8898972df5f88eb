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

"""Rules about words and sentences: each finds what it is for, and no more."""

import subprocess

import check_rules
import language_rules
import pytest


def broken(path, text):
    source = check_rules.Source(path, text, path.endswith('.py'))
    return {finding.rule for finding in check_rules.check(source)}


@pytest.mark.parametrize('text', [
    '# Whether it is full.\nfull = True\n', 'full = True  #: How full\n', '# How it works\n',
    'class A:\n  """Whose rows."""\n', 'def f():\n  """How many."""\n'])
def test_headless_clauses_are_found_in_comments_and_docstrings(text):
    assert 'T113' in broken('tests/unit/test_a.py', text)


@pytest.mark.parametrize('text', [
    'def f(wanted): ...\n', 'x = f(asked=1)\n', 'told_at = 1\n', 'class Asked: ...\n'])
def test_vague_names_of_input_are_found(text):
    assert 'T116' in broken('trove/a.py', text)


@pytest.mark.parametrize('text', [
    'x.whoever\n', '"a WHOEVER b"\n', 'UNDOING = 1\n', '# The step is taken back.\n',
    'ring_bell()\n'])
def test_retired_words_are_found_inside_identifiers_too(text):
    assert 'T115' in broken('trove/a.py', text)


def test_words_that_contain_a_retired_word_are_allowed():
    text = '# Healthy essays intend to be mentioned outdoors, foretold by nobody.\n'
    assert 'T115' not in broken('trove/a.py', text)


@pytest.mark.parametrize('first, allowed', [
    ('Return', True), ('Pass', True), ('Have', True), (':param x:', True), ('Returns', False),
    ('An', False), ('``GET x``:', False), ('rows', False)])
def test_first_word_of_a_function_is_a_verb(first, allowed):
    text = f'def f():\n  """{first} the rows."""\n'
    assert ('T114' not in broken('trove/a.py', text)) == allowed


def test_properties_and_tests_may_begin_with_a_noun():
    text = 'class A:\n @property\n def f(self):\n  "A row."\n'
    assert 'T114' not in broken('trove/a.py', text)
    text = 'def test_f():\n  "The row stays."\n'
    assert 'T114' not in broken('tests/unit/test_a.py', text)


def test_subjects_of_commits_are_bounded(tmp_path):
    def commit(subject):
        subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q',
                        '--allow-empty', '-m', subject], cwd=tmp_path, check=True)

    assert list(language_rules.subjects(str(tmp_path))) == []
    subprocess.run(['git', 'init', '-q'], cwd=tmp_path, check=True)
    commit('a' * 72)
    assert list(language_rules.subjects(str(tmp_path))) == []
    commit('a' * 73)
    assert [text for _commit, text in language_rules.subjects(str(tmp_path))] == [
        'subject has 73 characters, more than 72']


@pytest.mark.parametrize('text', ['row.cancel_wanted\n', 'nudged_at = 1\n', "'undoing'\n"])
def test_names_of_the_schema_are_allowed(text):
    assert not {'T115', 'T116'} & broken('trove/a.py', text)
