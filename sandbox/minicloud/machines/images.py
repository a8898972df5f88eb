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
"""Images that are built when the first machine needs them."""

import logging
import os
import pathlib
import subprocess
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from minicloud.hypervisor import HypervisorError

LOG = logging.getLogger(__name__)


class Images:
    """Builder of missing root trees.

    :param recipes: by root tree: ``command`` (arguments), ``environment`` (added to this
        process's), and ``log``, the file for the command's output.
    """

    def __init__(self, recipes: Mapping[str, Mapping[str, Any]]) -> None:
        self._recipes = recipes
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def ensure(self, image_path: str) -> None:
        """Build a tree if it is missing; concurrent requests for the same tree wait.

        :raises HypervisorError: the build failed.
        """
        if is_tree(image_path) or image_path not in self._recipes:
            return
        with self._locks[image_path]:
            if not is_tree(image_path):
                self._make(image_path)

    def _make(self, image_path: str) -> None:
        recipe = self._recipes[image_path]
        log = pathlib.Path(recipe['log'])
        log.parent.mkdir(parents=True, exist_ok=True)
        LOG.info('building image %s, log: %s', image_path, log)
        with log.open('wb') as output:
            done = subprocess.run(recipe['command'], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT,
                                  env={**os.environ, **recipe['environment']}, cwd='/', check=False)
        if done.returncode or not is_tree(image_path):
            last = log.read_text(encoding='utf-8', errors='replace').strip().splitlines()[-1:]
            raise HypervisorError(f'The image {image_path} could not be built: {"".join(last)} '
                                  f'(see {log})')


def is_tree(image_path: str) -> bool:
    """Return whether the path has a root tree."""
    return os.path.exists(os.path.join(image_path, 'etc/os-release'))
