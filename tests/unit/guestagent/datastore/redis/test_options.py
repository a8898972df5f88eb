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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trove.guestagent.datastore.redis import options


def test_a_file_is_read_as_the_server_reads_it():
    text = '''# comment
maxmemory 1gb
  HZ   20
logfile ""
proc-title-template "{title} \\"x\\" \\\\ y"
save 900 1
save 300 10
maxmemory 2gb
requirepass 'it''s'
'''
    found = options.parse(text)
    assert found == {
        'maxmemory': '2gb',
        'hz': '20',
        'logfile': '',
        'proc-title-template': '{title} "x" \\ y',
        'save': '900 1 300 10',
        'requirepass': 'its'
    }


@pytest.mark.parametrize(('line', 'words'), [('a b', ['a', 'b']), ('"a b"  c', ['a b', 'c']),
                                             ("'a\\'b'", ["a'b"]),
                                             ('"\\n"', ['\n']), ('"open', None), ("'open", None),
                                             ('', []), ('""', [''])])
def test_words_of_a_line(line, words):
    assert options.split(line) == words


@given(st.text(st.characters(blacklist_categories=('Cs', 'Cc')), max_size=40))
def test_what_is_written_is_read_again(value):
    assert options.parse(options.render({'logfile': value}))['logfile'] == value


@given(st.text(max_size=40))
def test_no_value_begins_another_directive(value):
    try:
        text = options.render({'notify-keyspace-events': value})
    except ValueError:
        return
    assert len(options.parse(text)) == 1 and text.count('\n') == 1


@pytest.mark.parametrize('given', [{
    'maxmemory': '1\nport 1'
}, {
    'a b': '1'
}, {
    'save': '900 1 "'
}, {
    '': '1'
}, {
    'save': '1 2 #'
}, {
    'hz': '1\0'
}])
def test_what_cannot_be_written_is_refused(given):
    with pytest.raises(ValueError, match='option'):
        options.render(given)


def test_options_with_several_arguments():
    assert options.render({
        'save': ' 900 1  300 10 ',
        'bind': '* -::*'
    }) == 'save 900 1 300 10\nbind * -::*\n'
    assert options.render({'save': ''}) == 'save ""\n'
    assert options.parse('save ""\n') == {'save': ''}


@pytest.mark.parametrize(('name', 'configured', 'running', 'same'), [
    ('maxmemory', '1gb', '1073741824', True), ('maxmemory', '1g', '1000000000', True),
    ('maxmemory', '1gb', '1g', False), ('appendonly', 'YES', 'yes', True),
    ('hz', '010', '10', True), ('loglevel', 'notice', 'debug', False),
    ('save', '900 1', '900 1 300 10', False), ('save', '', '', True),
    ('maxmemory-clients', '5%', '5%', True), ('notify-keyspace-events', 'KEA', 'AKE', True),
    ('notify-keyspace-events', 'K', 'E', False),
    ('client-output-buffer-limit', 'replica 256mb 64mb 60',
     'normal 0 0 0 slave 268435456 67108864 60 pubsub 1 2 3', True),
    ('client-output-buffer-limit', 'normal 1 0 0', 'normal 0 0 0 slave 1 2 3 pubsub 1 2 3', False)
])
def test_two_spellings_of_a_value(name, configured, running, same):
    assert options.same(name, configured, running) is same
