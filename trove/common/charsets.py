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

"""Character sets of the MySQL family and their collations, default first.

The engine in the guest decides; this table refuses unknown names before they reach it.
"""

DEFAULT = ('utf8mb3', 'utf8mb3_general_ci')

_UNICODE_LANGUAGES = ('icelandic', 'latvian', 'romanian', 'slovenian', 'polish', 'estonian',
                      'spanish', 'swedish', 'turkish', 'czech', 'danish', 'lithuanian', 'slovak',
                      'spanish2', 'roman', 'persian', 'esperanto', 'hungarian', 'sinhala',
                      'german2', 'croatian', 'vietnamese', 'unicode_520', 'unicode', 'myanmar',
                      'thai_520_w2')

_UTF8MB4_0900 = ('ai_ci', 'as_ci', 'as_cs', 'bin')


def _unicode(name: str, *more: str) -> tuple[str, ...]:
    return (f'{name}_general_ci', f'{name}_bin',
            *(f'{name}_{language}_ci' for language in _UNICODE_LANGUAGES),
            f'{name}_general_nopad_ci', f'{name}_nopad_bin', f'{name}_unicode_nopad_ci',
            f'{name}_unicode_520_nopad_ci', *more)


def _of(name: str, *suffixes: str) -> tuple[str, ...]:
    nopad = tuple(f'{suffix.removesuffix("_ci")}_nopad_ci' for suffix in suffixes[:1])
    return tuple(f'{name}_{suffix}' for suffix in (*suffixes, 'bin', *nopad, 'nopad_bin'))


COLLATIONS: dict[str, tuple[str, ...]] = {
    'utf8mb3': _unicode('utf8mb3', 'utf8mb3_general_mysql500_ci'),
    'utf8mb4': _unicode('utf8mb4', *(f'utf8mb4_0900_{end}' for end in _UTF8MB4_0900)),
    'ucs2': _unicode('ucs2', 'ucs2_general_mysql500_ci'),
    'utf16': _unicode('utf16'),
    'utf16le': _of('utf16le', 'general_ci'),
    'utf32': _unicode('utf32'),
    'big5': _of('big5', 'chinese_ci'),
    'dec8': _of('dec8', 'swedish_ci'),
    'cp850': _of('cp850', 'general_ci'),
    'hp8': _of('hp8', 'english_ci'),
    'koi8r': _of('koi8r', 'general_ci'),
    'latin1': _of('latin1', 'swedish_ci', 'german1_ci', 'danish_ci', 'german2_ci', 'general_ci',
                  'general_cs', 'spanish_ci'),
    'latin2': _of('latin2', 'general_ci', 'czech_cs', 'hungarian_ci', 'croatian_ci'),
    'swe7': _of('swe7', 'swedish_ci'),
    'ascii': _of('ascii', 'general_ci'),
    'ujis': _of('ujis', 'japanese_ci'),
    'sjis': _of('sjis', 'japanese_ci'),
    'hebrew': _of('hebrew', 'general_ci'),
    'tis620': _of('tis620', 'thai_ci'),
    'euckr': _of('euckr', 'korean_ci'),
    'koi8u': _of('koi8u', 'general_ci'),
    'gb2312': _of('gb2312', 'chinese_ci'),
    'greek': _of('greek', 'general_ci'),
    'cp1250': _of('cp1250', 'general_ci', 'czech_cs', 'croatian_ci', 'polish_ci'),
    'gbk': _of('gbk', 'chinese_ci'),
    'latin5': _of('latin5', 'turkish_ci'),
    'armscii8': _of('armscii8', 'general_ci'),
    'cp866': _of('cp866', 'general_ci'),
    'keybcs2': _of('keybcs2', 'general_ci'),
    'macce': _of('macce', 'general_ci'),
    'macroman': _of('macroman', 'general_ci'),
    'cp852': _of('cp852', 'general_ci'),
    'latin7': _of('latin7', 'general_ci', 'estonian_cs', 'general_cs'),
    'cp1251': _of('cp1251', 'general_ci', 'bulgarian_ci', 'ukrainian_ci', 'general_cs'),
    'cp1256': _of('cp1256', 'general_ci'),
    'cp1257': _of('cp1257', 'general_ci', 'lithuanian_ci'),
    'binary': ('binary',),
    'geostd8': _of('geostd8', 'general_ci'),
    'cp932': _of('cp932', 'japanese_ci'),
    'eucjpms': _of('eucjpms', 'japanese_ci'),
    'gb18030': _of('gb18030', 'chinese_ci', 'unicode_520_ci'),
}

_BY_COLLATION = {
    collation: name
    for name, collations in COLLATIONS.items()
    for collation in collations
}


def _canonical(word: str) -> str:
    """Return a name in lower case, with utf8mb3 for its old name utf8."""
    word = word.lower()
    return 'utf8mb3' + word[4:] if word == 'utf8' or word.startswith('utf8_') else word


def resolve(character_set: str | None, collate: str | None) -> tuple[str, str]:
    """Return character set and collation, each derived from the other if missing.

    :raises ValueError: an unknown name, or a collation of another character set.
    """
    if not character_set and not collate:
        return DEFAULT
    charset = _canonical(character_set) if character_set else None
    collation = _canonical(collate) if collate else None
    if charset is not None and charset not in COLLATIONS:
        raise ValueError(f"character_set '{character_set}' is not known to the engine")
    if collation is not None and collation not in _BY_COLLATION:
        raise ValueError(f"collate '{collate}' is not known to the engine")
    if collation is None:
        assert charset is not None
        return charset, COLLATIONS[charset][0]
    if charset is None:
        return _BY_COLLATION[collation], collation
    if _BY_COLLATION[collation] != charset:
        raise ValueError(f"collate '{collate}' does not belong to character_set '{character_set}'")
    return charset, collation
