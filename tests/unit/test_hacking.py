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

"""Each writing rule of HACKING.rst has a checker, and each checker finds what it is for."""

import pathlib
import re
import subprocess
import sys

import check_requirements
import check_rules
import check_unused
import pytest

HEADER = '# Licensed under the Apache License, Version 2.0 (the "License")\n'

#: rule: (path, a text that breaks it, a text that keeps it)
SAMPLES = {
    'T101': ('trove/a.py', 'x = 1\n', HEADER + 'x = 1\n'),
    'T102': ('trove/a.py', '\n' * 451, '\n' * 450),
    'T103': ('trove/instance/a.py', 'from eventlet import green\n', 'import threading\n'),
    'T104': ('trove/a.py', 'LOG.info(f"x {y}")\n', 'LOG.info("x %s", y)\n'),
    'T105': ('trove/common/utils.py', '', None),
    'T106': ('trove/a.py', 'def f(x: list = []) -> None: ...\n',
             'def f(x: tuple = ()) -> None: ...\n'),
    'T107': ('trove/a.py', 'try:\n  f()\nexcept Exception:\n  pass\n',
             'try:\n  f()\nexcept KeyError:\n  pass\n'),
    'T108': ('trove/taskmanager/a.py', 'time.sleep(1)\n', 'event.wait(1)\n'),
    'T109': ('trove/instance/a.py', 'import sqlalchemy as sa\n',
             'from trove.db import instances\n'),
    'T110': ('tests/unit/test_a.py', 'x = 1\n', 'def test_a(): assert f() == 1\n'),
    'T111': ('trove/a.py', 'def f(x): ...\n', 'def f(x: int) -> None: ...\n'),
    'T112': ('trove/instance/a.py', 'print(1)\n', 'LOG.info("1")\n'),
    'T113': ('trove/a.py', '"""What is known."""\n', '"""Facts about a guest."""\n'),
    'T114': ('trove/a.py', 'def f() -> int:\n  "The number of rows."\n',
             'def f() -> int:\n  "Return the number of rows."\n'),
    'T115': ('doc/source/a.rst', 'The guest is told.\n', 'The guest is informed.\n'),
    'T116': ('trove/a.py', 'asked = body["size"]\n', 'size = body["size"]\n'),
    'T117': ('doc/source/a.rst', 'word ' * 21, 'word ' * 20),
}


def broken(path, text):
    source = check_rules.Source(path, text, path.endswith('.py'))
    return {finding.rule for finding in check_rules.check(source)}


@pytest.mark.parametrize('rule', sorted(check_rules.RULES | check_rules.TEXT_RULES))
def test_rule_finds_what_it_is_for(rule):
    path, bad, good = SAMPLES[rule]
    assert rule in broken(path, bad)
    if good is not None:
        assert rule not in broken(path, good)


def test_rules_hold_where_they_should_not():
    assert 'T103' not in broken('trove/cmd/api.py', 'import eventlet\n')
    assert 'T108' not in broken('trove/guestagent/agent.py', 'time.sleep(1)\n')
    assert 'T109' not in broken('trove/db/instances.py', 'import sqlalchemy\n')
    assert 'T104' in broken('trove/a.py', 'LOG.log(1, "a %s" % b)\n')
    assert 'T107' in broken('trove/a.py', 'try:\n  f()\nexcept:\n  g()\n')


def test_every_written_rule_has_a_checker():
    text = (pathlib.Path(check_rules.__file__).parent.parent / 'HACKING.rst').read_text()
    assert re.findall(r'^(T\d{3})$', text, re.MULTILINE) == [
        *sorted(check_rules.RULES | check_rules.TEXT_RULES), 'T118']


def test_import_without_a_requirement_is_found():
    area = check_requirements.Area('requirements.txt', ('trove',),
                                   check_requirements.requirements('a-lib>=1.0 # MIT\nPBR\n'))
    providers = {'alib': ['A.Lib'], 'other': ['other']}
    both = {'alib': 'trove/a.py', 'other': 'trove/b.py'}
    assert list(check_requirements.findings(area, both, providers)) == [
        'trove/b.py: other is imported, but requirements.txt does not require it']


def test_requirement_without_an_import_is_found():
    area = check_requirements.Area('requirements.txt', ('trove',),
                                   check_requirements.requirements('a-lib>=1.0\nb[extra]<2\npbr\n'))
    assert list(check_requirements.findings(area, {'alib': 'trove/a.py'}, {'alib': ['a_lib']})) == [
        'requirements.txt: b is required, but nothing imports it']
    assert list(check_requirements.stale(frozenset({'flake8'})))


def test_imports_inside_functions_count():
    text = 'import os.path\ndef f():\n    from a.b import c\n    from . import d\n'
    assert check_requirements.imports(text) == {'os', 'a'}


UNUSED = '''
class A(Local):
    def used(self): return self.called()
    def called(self): return 1
    def dead(self): return self.dead()
    def _private(self): ...
class B(library.Base):
    def hook(self): ...
@register("x")
def registered(): ...
def named(): ...
def dead_too(): return dead_too()
A().used()
'''


def test_function_that_nothing_calls_is_found():
    used, _endings = check_unused.names(UNUSED +
                                        "POINT = 'module:named'\nTEXT = 'a dead_too text'\n")
    bases = {**check_unused.classes(UNUSED), 'Local': []}
    unused = {name for _line, name in check_unused.functions(UNUSED, bases) if name not in used}
    assert unused == {'dead', 'dead_too'}


def test_option_that_nothing_reads_is_found():
    used, endings = check_unused.names("conf.read\nconf[f'{name}_url']\ngetattr(conf, 'named')\n")
    options = ['read', 'nova_url', 'named', 'unread']
    assert check_unused.unread_options(options, used, endings) == ['unread']


@pytest.mark.parametrize('checker', ['check_requirements.py', 'check_unused.py'])
def test_checker_finds_nothing_in_this_repository(checker):
    tools = pathlib.Path(check_rules.__file__).parent
    done = subprocess.run([sys.executable, str(tools / checker)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ''), done.stdout
