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

"""Guest images: recipes (one folder each in ``image/datastores``), directories and builds."""

import dataclasses
import fcntl
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from control.commands import Commands
from control.settings import IMAGE, Settings

_ASSIGNMENT = re.compile(r'^([A-Z_]+)=([A-Za-z0-9._-]+)$', re.MULTILINE)
#: Variables of the caller's environment that a later build needs to download packages.
_FETCHING = re.compile(
    r'(https?|ftp|all|no)_proxy|PIP_.*|TROVE_IMAGE_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE',
    re.IGNORECASE)


class UnknownImage(Exception):
    """Request for an image without a recipe; the text lists the known images."""


@dataclasses.dataclass(frozen=True)
class Image:
    """One datastore version and its image."""

    datastore: str
    version: str
    manager: str

    @property
    def name(self) -> str:
        """Return the name of the recipe and of the directory."""
        return f'{self.datastore}-{self.version}'

    @property
    def glance_name(self) -> str:
        """Return the name of the image in Glance."""
        return f'trove-{self.name}'


def offered(settings: Settings) -> list[Image]:
    """Return all images that have a recipe, the one of the demo instance first."""
    found = []
    for path in sorted((settings.repository / 'image' / 'datastores').glob('*/datastore.conf')):
        words = dict(_ASSIGNMENT.findall(path.read_text(encoding='utf-8')))
        found.append(Image(words['DATASTORE'], words['VERSION'], words['MANAGER']))
    return sorted(found, key=lambda image: (image.name != IMAGE, image.name))


def chosen(settings: Settings, words: Sequence[str]) -> list[Image]:
    """Return the images that the words select: an image, a datastore (all versions) or ``all``.

    :raises UnknownImage: a word selects none.
    """
    known = offered(settings)
    for word in words:
        if word != 'all' and not any(word in (image.name, image.datastore) for image in known):
            raise UnknownImage(
                f'there is no image {word}; there are {", ".join(image.name for image in known)}')
    return [image for image in known if {'all', image.name, image.datastore} & set(words)]


def directory(settings: Settings, image: Image) -> pathlib.Path:
    """Return the directory of an image, which may not exist yet."""
    return settings.directory / 'images' / image.name


def root_tree(settings: Settings, image: Image) -> pathlib.Path:
    """Return the root tree that machines boot from."""
    return directory(settings, image) / 'rootfs'


def log_name(image: Image) -> str:
    """Return the name of an image's build log, without ``.log``."""
    return f'image-{image.name}'


def command(settings: Settings, image: Image) -> list[str]:
    """Return the command line that builds or updates an image; all images share one cache."""
    return [
        str(settings.repository / 'image' / 'build'), image.name, '--output',
        str(directory(settings, image)), '--cache',
        str(settings.directory / 'images' / 'cache'), '--python',
        settings.program('python')
    ]


def recipes(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, dict]:
    """Return what minicloud needs to build each image on first use, by root tree: ``command``,
    ``environment`` and ``log``.
    """
    fetching = {name: value for name, value in environment.items() if _FETCHING.fullmatch(name)}
    return {str(root_tree(settings, image)): {
        'command': command(settings, image), 'environment': fetching,
        'log': str(settings.logs / f'{log_name(image)}.log')} for image in offered(settings)}


def identity(settings: Settings, image: Image) -> str | None:
    """Return the manifest of an image; None if the image does not exist."""
    manifest = directory(settings, image) / 'image.json'
    return manifest.read_text(encoding='utf-8') if manifest.exists() else None


def build(settings: Settings, commands: Commands, image: Image) -> str:
    """Build or update an image.

    :returns: "built" or "up to date".
    :raises CommandError: the build failed.
    """
    before = identity(settings, image)
    commands.run(command(settings, image), log=log_name(image))
    return 'up to date' if identity(settings, image) == before else 'built'


def state(settings: Settings, image: Image) -> str:
    """Return one line about an image: ready, being built (with its progress) or not built yet."""
    if being_built(directory(settings, image)):
        return f'being built: {last_line(settings.logs / f"{log_name(image)}.log")}'
    return 'ready' if identity(settings, image) else 'built when it is first used'


def being_built(output: pathlib.Path) -> bool:
    """Return whether a build holds the lock of its output directory."""
    try:
        with (output / '.lock').open('rb') as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def last_line(path: pathlib.Path) -> str:
    """Return the last line of a log; empty if there is no log."""
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except FileNotFoundError:
        return ''
    return lines[-1].removeprefix('image: ') if lines else ''


def main(settings: Settings, words: Sequence[str],
         run: Callable[..., subprocess.CompletedProcess] = subprocess.run) -> int:
    """Build the selected images (default: all) and show the output; return the exit code."""
    try:
        selected = chosen(settings, words or ['all'])
    except UnknownImage as error:
        print(f'sandbox/image: {error}', file=sys.stderr)
        return 2
    for image in selected:
        print(f'{image.name}:', flush=True)
        if run(command(settings, image), check=False).returncode:
            return 1
    return 0
