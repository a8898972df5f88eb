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
# Stage: identification and anonymity of the tree. Sourced by image/build.

seal_tree() {
    local tree=$WORK/rootfs
    # Empty, not missing: a machine id is generated at boot, which is no "first boot" that would
    # apply presets and prompt.
    : >"$tree/etc/machine-id"
    rm -f "$tree/var/lib/dbus/machine-id" "$tree"/etc/ssh/ssh_host_* \
        "$tree/var/lib/systemd/random-seed" \
        "$tree/etc/hostname" "$tree/etc/resolv.conf" "$tree/root/.bash_history"
    ln -s ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
    rm -rf "$tree"/tmp/* "$tree"/var/tmp/* "$tree"/run/* "$tree"/var/lib/cloud/* "$tree"/root/.cache
    lock_passwords
    check_engine_version
    install -d -m 0755 "$tree/etc/trove"
    install -d -m 0700 "$tree/etc/trove/conf.d" "$tree/var/lib/trove-guest"
    write_identity >"$tree/etc/trove/image.json"
    settle_times
}

lock_passwords() {
    local with_password
    sed -i 's/^root:[^:]*:/root:*:/' "$WORK/rootfs/etc/shadow"
    with_password=$(awk -F: '$2 !~ /^[!*]/ { print $1 }' "$WORK/rootfs/etc/shadow")
    if [ -n "$with_password" ]; then
        echo "accounts with a password in the image: $with_password"
        return 1
    fi
}

# check_engine_version: fail if the suite has moved to another series than the image's name.
check_engine_version() {
    local version
    # shellcheck disable=SC2016
    version=$(dpkg-query --root="$WORK/rootfs" --show --showformat='${Version}' "$ENGINE_PACKAGE")
    version=$(engine_version "$version")
    # VERSION comes from datastore.conf.
    # shellcheck disable=SC2153
    case $version in
        "$VERSION" | "$VERSION".*) ;;
        *) echo "$ENGINE_PACKAGE has version $version, not $VERSION"; return 1 ;;
    esac
}

# settle_times: set the time of the build's files to that of the sources; files of packages keep
# theirs. /etc and /var count as updated for this /usr, so no unit rebuilds caches at boot.
settle_times() {
    local tree=$WORK/rootfs stamp
    for stamp in "$tree/etc/.updated" "$tree/var/.updated"; do
        printf 'TIMESTAMP_NSEC=%s000000000\n' "$SOURCE_DATE_EPOCH" >"$stamp"
    done
    touch "$tree/usr"
    find "$tree" -newer "$WORK/started" -print0 |
        xargs -0 --no-run-if-empty touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
}

# write_identity: write image.json. The build id covers inputs and packages: equal ids, equal trees.
write_identity() {
    local packages libraries build_id engine
    # shellcheck disable=SC2016
    packages=$(dpkg-query --root="$WORK/rootfs" --show --showformat='${Package} ${Version}\n' |
        LC_ALL=C sort)
    libraries=$(cd "$WORK/rootfs/opt/trove-guest/lib/python$GUEST_PYTHON/site-packages" &&
        sed -s -n -e '/^Name: /{s///;h}' -e '/^Version: /{s///;H;x;s/\n/ /p;q}' -- */METADATA |
            LC_ALL=C sort)
    engine=$(printf '%s\n' "$packages" | sed -n "s/^$ENGINE_PACKAGE //p")
    build_id=$(printf '%s\n' "$INPUTS_DIGEST" "$packages" "$libraries" | sha256sum | cut -c1-16)
    cat <<EOF
{
  "datastore": "$DATASTORE",
  "version": "$VERSION",
  "manager": "$MANAGER",
  "engine_version": "$(engine_version "$engine")",
  "agent_version": "$AGENT_VERSION",
  "build_id": "$build_id",
  "inputs": "$INPUTS_DIGEST",
  "built": "$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)",
  "architecture": "amd64",
  "engine_users": {
$(records "$DATASTORE_SOURCE/users" | sed 's/^\([^:]*\):\([0-9]*\):.*/    "\1": \2/;$!s/$/,/')
  },
  "packages": {
$(printf '%s\n' "$packages" | as_members)
  },
  "libraries": {
$(printf '%s\n' "$libraries" | as_members)
  }
}
EOF
}

# engine_version PACKAGE-VERSION: print the engine's version without epoch and Debian revision.
engine_version() {
    printf '%s' "$1" | sed -e 's/^[0-9]*://' -e 's/-[^-]*$//'
}

as_members() {
    sed -e 's/^\([^ ]*\) \(.*\)$/    "\1": "\2"/' -e '$!s/$/,/'
}
