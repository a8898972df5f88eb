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

"""The XML form: the mapping in both directions, and documents that are refused."""

import pytest

from trove.common.http import faults
from trove.common.http.schemas import (BOOLEAN, INTEGER, NUMBER, STRING, UUID, array, nullable, obj,
                                       wrapped)
from trove.common.http.serializers import xml

XMLNS = 'xmlns="http://docs.openstack.org/database/api/v1.0"'


def document(text):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def test_an_instance_as_the_contract_shows_it():
    links = [{'href': 'https://h/v1.0/p1/instances/0f3c', 'rel': 'self'}]
    body = {'instance': {'id': '0f3c', 'name': 'orders-db', 'status': 'ACTIVE',
                         'volume': {'size': 20},
                         'flavor': {'id': 'm2'}, 'links': links}}
    assert xml.dump(body) == document(f'''\
<instance {XMLNS} id="0f3c" name="orders-db" status="ACTIVE">
    <volume size="20"/>
    <flavor id="m2"/>
    <links>
        <link href="https://h/v1.0/p1/instances/0f3c" rel="self"/>
    </links>
</instance>''')


@pytest.mark.parametrize('body, text', [
    ({'rootEnabled': True}, f'<rootEnabled {XMLNS}>True</rootEnabled>'),
    ({'databases': []}, f'<databases {XMLNS}/>'),
    ({'ip': ['10.0.0.1']}, f'<ip {XMLNS}>\n    <item>10.0.0.1</item>\n</ip>'),
    ({'user': {'name': 'a"<&\n', 'host': None}},
     f"<user {XMLNS} name='a\"&lt;&amp;&#10;' host=\"None\"/>"),
    ({'thing': {'text': '<a>\r', 'none': None, 'no': False, 'empty': ''}},
     f'<thing {XMLNS}>\n    <text>&lt;a&gt;&#13;</text>\n    <none>None</none>\n'
     '    <no>False</no>\n'
     '    <empty/>\n</thing>'),
    ({'diagnostics': {'vmRss': 5, 'anything': 'x'}},
     f'<diagnostics {XMLNS} vmRss="5" anything="x"/>'),
    ({'databases': [{'name': 'a'}], 'links': [{'rel': 'next', 'href': 'h'}],
      'databases_links': [{'rel': 'next', 'href': 'h'}]},
     f'<databases {XMLNS}>\n    <database name="a"/>\n    <links>\n'
     '        <link rel="next" href="h"/>\n'
     '    </links>\n</databases>'),
    ({'values': {'a b': 1, '<': 2}}, f'<values {XMLNS}>\n    <item key="a b">1</item>\n'
                                     '    <item key="&lt;">2</item>\n</values>'),
    ({'instance': {'name': 'a\x01\ud800b'}}, f'<instance {XMLNS} name="a\ufffd\ufffdb"/>'),
])
def test_answers(body, text):
    assert xml.dump(body) == document(text)


def test_an_answer_without_wrapper_key_has_a_name():
    body = {'name': 'max_connections', 'type': 'integer'}
    assert xml.dump(body,
                    'configuration-parameter').decode().splitlines()[1].startswith('<configuration-parameter ')


def test_a_fault_has_one_attribute_and_no_namespace():
    assert xml.dump(faults.body(404, 'No.')) == document(
        '<itemNotFound code="404">\n    <message>No.</message>\n</itemNotFound>')


def test_the_fault_of_the_rate_limiter_has_two_and_the_namespace():
    assert xml.dump(faults.body(413, 'Too many.', retryAfter='5', details='200 GET')) == document(
        f'<overLimit {XMLNS} code="413" retryAfter="5">\n    <message>Too many.</message>\n'
        '    <details>200 GET</details>\n</overLimit>')
    assert xml.dump(faults.body(413, 'Quota.')) == document(
        '<overLimit code="413">\n    <message>Quota.</message>\n</overLimit>')


SCHEMA = wrapped('instance', obj({
    'name': STRING, 'size': INTEGER, 'ratio': NUMBER, 'public': BOOLEAN, 'region': nullable(STRING),
    'limit': nullable(INTEGER), 'flag': {'enum': [0, 1, True, False]}, 'free': {'type': 'object'},
    'either': {'anyOf': [STRING, INTEGER]}, 'maybe': {'anyOf': [UUID, {'type': 'null'}]},
    'nics': array(obj({'net-id': STRING})), 'databases': array(obj({'name': STRING})),
    'cidrs': array(STRING)}))


@pytest.mark.parametrize('inside, value', [
    ('<size>5</size>', {'size': 5}), ('<size> 5\n</size>', {'size': 5}),
    ('<size>many</size>', {'size': 'many'}),
    ('<size>5.0</size>', {'size': '5.0'}), ('<ratio>2.5</ratio>', {'ratio': 2.5}),
    (f'<size>{"9" * 5000}</size>', {'size': '9' * 5000}),
    ('<public>true</public>', {'public': True}), ('<public>True</public>', {'public': True}),
    ('<public>1</public>', {'public': True}), ('<public>False</public>', {'public': False}),
    ('<public>yes</public>', {'public': 'yes'}), ('<flag>1</flag>', {'flag': 1}),
    ('<flag>True</flag>', {'flag': True}),
    ('<region>None</region>', {'region': None}), ('<region/>', {'region': ''}),
    ('<name>None</name>', {'name': 'None'}),
    ('<name>5</name>', {'name': '5'}), ('<either>5</either>', {'either': '5'}),
    ('<maybe>None</maybe>', {'maybe': None}),
    ('<limit/>', {'limit': None}), ('<free/>', {'free': {}}), ('<size/>', {'size': ''}),
    ('<databases/>', {'databases': []}), ('<databases>\n</databases>', {'databases': []}),
    ('<databases><database name="a"/></databases>', {'databases': [{'name': 'a'}]}),
    ('<databases><item><name>a</name></item></databases>', {'databases': [{'name': 'a'}]}),
    ('<nics><nic net-id="n"/></nics>', {'nics': [{'net-id': 'n'}]}),
    ('<nics net-id="n"/><nics net-id="m"/>', {'nics': [{'net-id': 'n'}, {'net-id': 'm'}]}),
    ('<cidrs><cidr>a</cidr><cidr>b</cidr></cidrs>', {'cidrs': ['a', 'b']}),
    ('<free a="1"><b>2</b><b>3</b><cs><c>4</c></cs></free>',
     {'free': {'a': '1', 'b': ['2', '3'], 'cs': ['4']}}),
    ('<unknown><users/></unknown>', {'unknown': {'users': []}}),
    ('<unknown><users><user name="a"/></users></unknown>', {'unknown': {'users': [{'name': 'a'}]}}),
    ('<free><item key="a b">1</item><item key="4c"><item key="d:e">2</item></item></free>',
     {'free': {'a b': '1', '4c': {'d:e': '2'}}}),
    ('<free><item key="a"/><item key="b"><item>1</item></item></free>',
     {'free': {'a': '', 'b': ['1']}}),
    ('<name>a<!-- no --><![CDATA[<b>]]>&amp;</name>', {'name': 'a<b>&'}),
])
def test_text_gets_the_type_of_the_schema(inside, value):
    assert xml.load(f'<instance>{inside}</instance>'.encode(), SCHEMA) == {'instance': value}


def test_keys_that_cannot_be_names_come_back():
    body = {'instance': {'free': {'a b': '1', '4c': {'d:e': '2'}, '': '3', '<&"': '4'}}}
    assert xml.load(xml.dump(body), SCHEMA) == body


def test_attributes_are_values_too_and_namespaces_are_ignored():
    data = (f'<t:instance xmlns:t="http://docs.openstack.org/database/api/v1.0" {XMLNS} '
            f'xml:lang="en" name="a" '
            'size="5" public="1"><region xmlns="other">x</region></t:instance>')
    assert xml.load(data.encode(),
                    SCHEMA) == {'instance': {'name': 'a', 'size': 5, 'public': True, 'region': 'x'}}


def test_an_attribute_and_an_element_of_a_name_fit_no_schema():
    assert xml.load(b'<instance name="a"><name>b</name></instance>',
                    SCHEMA) == {'instance': {'name': ['a', 'b']}}


def test_a_body_without_wrapper_key():
    flat = obj({'password': STRING}, xml={'name': 'user'})
    assert xml.load(b'<user password="x"/>', flat) == {'password': 'x'}
    assert xml.load(b'<user><password>x</password></user>', flat) == {'password': 'x'}
    assert xml.load(b'<password>x</password>', flat) == {'password': 'x'}
    assert xml.load(b'<user/>', flat) == {}


def test_without_a_schema_everything_is_text():
    assert xml.load(b'<a><b>1</b><c/></a>') == {'a': {'b': '1', 'c': ''}}


BOMB = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize('data, fragment', [
    (b'', 'well-formed'), (b'   ', 'well-formed'), (b'<a>', 'well-formed XML (line 1)'),
    (b'<a/><b/>', 'well-formed'),
    (b'{"a": 1}', 'well-formed'), (b'<a b="1" b="2"/>', 'well-formed'),
    (b'<a>&nbsp;</a>', 'well-formed'),
    (b'<a>&#0;</a>', 'well-formed'), (b'<a>&#xd800;</a>', 'well-formed'),
    (b'<a>\x00</a>', 'well-formed'),
    (b'<x:a/>', 'well-formed'), (b'<a>\xff</a>', 'UTF-8'), ('<a>ü</a>'.encode('latin-1'), 'UTF-8'),
    ('<?xml version="1.0" encoding="UTF-16"?><a>ü</a>'.encode('utf-16'), 'UTF-8'),
    (BOMB.encode(), 'document type'), (b'<!DOCTYPE a><a/>', 'document type'),
    (b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>', 'document type'),
    (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 'document type'),
    (b'<a>' * 33 + b'</a>' * 33, 'more than 32 deep'), (b'<a>' * 100000, 'more than 32 deep'),
    (b'<a>' + b'<b/>' * xml.MAX_NODES + b'</a>', 'elements and attributes'),
    (b'<instance>text<name>a</name></instance>', 'text beside'),
    (b'<instance><databases><table/></databases></instance>',
     "'database' elements only, not 'table'"),
])
def test_documents_that_are_refused(data, fragment):
    with pytest.raises(ValueError) as refused:
        xml.load(data, SCHEMA)
    assert fragment in str(refused.value)
    assert str(refused.value).endswith('.')


def test_the_limits_are_not_too_narrow():
    nested = b'<a>' * 32 + b'</a>' * 32
    assert 'a' in xml.load(nested)
    many = b'<databases>' + b'<database name="a"/>' * 20000 + b'</databases>'
    assert len(xml.load(many)['databases']) == 20000
    long = b'<a>' + b'x\n' * 1_000_000 + b'</a>'
    assert len(xml.load(long)['a']) == 2_000_000


def test_a_declared_encoding_changes_nothing():
    assert xml.load('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode()) == {'a': 'ü'}
    assert xml.load('\ufeff<a>ü</a>'.encode()) == {'a': 'ü'}
