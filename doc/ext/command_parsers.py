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

"""Parsers of the command lines, for the directive ``argparse`` of the reference pages."""

import argparse
import functools

from control import __main__ as sandbox
from trove.cmd import manage


def trove_manage() -> argparse.ArgumentParser:
    """Return the parser of the commands of trove-manage, without the options of oslo.config."""
    parser = argparse.ArgumentParser(prog='trove-manage')
    manage.add_commands(parser.add_subparsers(title='commands', metavar='COMMAND'))
    return parser


def __getattr__(name: str) -> functools.partial[argparse.ArgumentParser]:
    """Return the parser of a command of the sandbox: ``sandbox_up`` and so on."""
    if not name.startswith('sandbox_'):
        raise AttributeError(name)
    return functools.partial(sandbox.parser, name.removeprefix('sandbox_'))
