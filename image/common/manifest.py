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

"""Files of the repository that make the agent, by a list of patterns.

A manifest has one pattern a line, relative to the repository: a file or a glob (``**`` crosses
directories); ``!`` takes out what an earlier pattern brought in. Run as a program it prints the
files, for ``image/build``.
"""

import pathlib
import sys


class ManifestError(Exception):
    """Mismatch of manifest and repository; the text names the line and the reason."""


def files(manifest: pathlib.Path, repository: pathlib.Path) -> list[str]:
    """Return the sorted names of the agent's files, relative to ``repository``.

    :raises ManifestError: a pattern matches nothing, so the manifest is out of date.
    """
    chosen: set[str] = set()
    for number, line in enumerate(manifest.read_text().splitlines(), start=1):
        pattern = line.split('#')[0].strip()
        if not pattern:
            continue
        found = {str(path.relative_to(repository)) for path in repository.glob(pattern.lstrip('!'))
                 if path.is_file() and '__pycache__' not in path.parts}
        if not found:
            raise ManifestError(f'{manifest.name}, line {number}: nothing matches {pattern}')
        chosen = chosen - found if pattern.startswith('!') else chosen | found
    return sorted(chosen)


def main() -> int:
    try:
        print('\n'.join(files(pathlib.Path(sys.argv[1]), pathlib.Path.cwd())))
    except ManifestError as error:
        print(f'image: error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
