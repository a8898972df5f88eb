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

import check_rules
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
}


def broken(path, text):
    return {finding.rule for finding in check_rules.check(check_rules.Source(path, text))}


@pytest.mark.parametrize('rule', sorted(check_rules.RULES))
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
    assert re.findall(r'^(T\d{3})$', text, re.MULTILINE) == sorted(check_rules.RULES)
