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
#
# Stage: the agent, in an environment with its libraries and only the guest's part of this
# repository. Sourced by image/build.

make_agent() {
    local home=$WORK/rootfs/opt/trove-guest packages
    in_tree python3 -m venv --without-pip --symlinks /opt/trove-guest
    packages=$home/lib/python$GUEST_PYTHON/site-packages
    install_libraries "$packages"
    copy_agent "$packages"
    write_agent_metadata "$packages"
    write_agent_script
    compile "$packages/trove"
    check_agent
}

# install_libraries PACKAGES: install the libraries, which all images share. Builds that install
# them at the same time install the same.
install_libraries() {
    local packages=$1 cached=$CACHE/libraries/agent@$LIBRARIES_DIGEST.tar
    if [ -z "$FORCE" ] && [ -f "$cached" ]; then
        tar -C "$packages" -xf "$cached"
        return
    fi
    "$PYTHON" -m pip install --quiet --no-input --disable-pip-version-check \
        --root-user-action=ignore \
        --no-compile --no-warn-script-location --ignore-installed --cache-dir "$CACHE/pip" \
        --target "$packages" \
        --constraint "$REPOSITORY/upper-constraints.txt" --requirement \
        "$REPOSITORY/image/guest-requirements.txt"
    # The agent uses no command line tools, test suites or translations of libraries.
    rm -rf "${packages:?}/bin" "${packages:?}/share"
    find "$packages" -depth -type d \( -name tests -o -name test -o -name locale \) -exec rm -rf \
        {} +
    compile "$packages"
    tar -C "$packages" -cf "$cached.$$" .
    mv "$cached.$$" "$cached"
    find "$CACHE/libraries" -name 'agent@*.tar' ! -path "$cached" -delete
}

copy_agent() {
    # shellcheck disable=SC2086
    (cd "$REPOSITORY" && tar --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' -cf - \
        $AGENT_FILES) |
        tar -C "$1" -xf -
}

# write_agent_metadata: write a package installer's metadata, the source of the agent's version.
write_agent_metadata() {
    local metadata=$1/trove-$AGENT_VERSION.dist-info
    mkdir "$metadata"
    printf 'Metadata-Version: 2.1\nName: trove\nVersion: %s\nSummary: Guest agent of Trove\n' \
        "$AGENT_VERSION" >"$metadata/METADATA"
    echo 'image/build' >"$metadata/INSTALLER"
}

write_agent_script() {
    local script=$WORK/rootfs/usr/bin/trove-guestagent
    # -I: neither the environment nor the working directory can change what is imported.
    cat >"$script" <<'SCRIPT'
#!/opt/trove-guest/bin/python3 -I
import sys

from trove.cmd.guest import main

sys.exit(main())
SCRIPT
    chmod 0755 "$script"
}

# compile DIRECTORY: compile to byte code that is never compared with its source, as images never
# change; this saves a stat per module and start.
compile() {
    local name=${1#"$WORK/rootfs"}
    in_tree python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash "$name"
}

# check_agent: import every module of the manifest inside the image.
check_agent() {
    local modules
    # shellcheck disable=SC2086
    modules=$(printf '%s\n' $AGENT_FILES | sed -n -e '/\.py$/!d' -e 's/\.py$//' -e \
        's,/__init__$,,' -e 's,/,.,gp')
    # shellcheck disable=SC2086
    in_tree /opt/trove-guest/bin/python3 -I -c '
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
' $modules
}
