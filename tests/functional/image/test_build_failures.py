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

"""Last line of a failed image/build: the only one that the creator of an instance sees."""

import pathlib
import subprocess

import pytest

PROGRESS = pathlib.Path(__file__).parents[3] / 'image/common/stages/progress.sh'
#: Last lines of mmdebstrap.
END = ['E: apt-get update --error-on=any -oDpkg::Use-Pty=false failed',
       'I: main() received signal PIPE: waiting for setup...', 'E: mmdebstrap failed to run']
EXPIRED = ('E: Release file for http://deb.example.org/dists/sid/InRelease is expired '
           '(invalid since 16d).')


@pytest.mark.parametrize(('log', 'last'), [
    ([EXPIRED, *END], f'image: error: {EXPIRED[3:]} Use a mirror that is up to date (--mirror), or '
                      f'take its old lists '
                      f'(--snapshot; for the sandbox TROVE_IMAGE_SNAPSHOT=1).'),
    (['E: Unable to locate package mysql-server-core', *END],
     'image: error: Unable to locate package mysql-server-core'),
    (['cp: cannot stat seed'], '    cp: cannot stat seed'),
    (END, '    E: mmdebstrap failed to run')])
def test_the_last_line_names_the_cause(tmp_path, log, last):
    written = tmp_path / 'build.log'
    written.write_text('\n'.join(log) + '\n')
    script = ('set -euo pipefail; . "$1"; LOG=$2 CURRENT_STAGE=system; exec {TERMINAL}>&1 '
              '{TERMINAL_ERRORS}>&2; '
              'show_failed_stage; echo went on')
    done = subprocess.run(['bash', '-c', script, 'bash',
                           str(PROGRESS), str(written)], text=True, check=True, capture_output=True)
    assert done.stderr.splitlines(
    )[0] == f'image: error: stage "system" failed; the end of {written}:'
    assert done.stderr.splitlines()[-1] == last
    assert done.stdout == 'went on\n'
