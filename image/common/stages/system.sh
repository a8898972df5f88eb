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
# Stage: the system tree of Debian packages, fixed users, our files and the engine's pristine data
# directory, without the agent's code. Sourced by image/build.

# Contents of the tree; a disk adds to them (see disk.sh).
PACKAGE_LISTS=("$IMAGE_SOURCE/common/packages")
FILE_TREES=("$IMAGE_SOURCE/common/files")
SYSTEM_VARIANT=''

make_system() {
    local cached files
    cached=$CACHE/system/$DATASTORE_VERSION$SYSTEM_VARIANT@$SYSTEM_DIGEST.tar
    mkdir -p "$WORK/rootfs"
    if [ -z "$FORCE" ] && [ -f "$cached" ]; then
        unpack_tree "$cached"
        return
    fi
    rmdir "$WORK/rootfs"
    ensure_base
    install_engine
    for files in "${FILE_TREES[@]}" "$DATASTORE_SOURCE/files"; do
        copy_files "$files"
    done
    arrange_units
    make_seed
    clear_traces_of_packaging
    settle_times
    pack_tree "$cached"
}

unpack_tree() {
    tar -C "$WORK/rootfs" --numeric-owner --xattrs --xattrs-include='*' -xf "$1"
}

# pack_tree FILE: keep the tree for later builds; FILE is NAME@DIGEST.tar, one for each name.
pack_tree() {
    tar -C "$WORK/rootfs" --numeric-owner --xattrs --xattrs-include='*' --one-file-system \
        --sparse -cf "$1.$$" .
    mv "$1.$$" "$1"
    find "${1%/*}" -name "$(basename "${1%@*}")@*.tar" ! -path "$1" -delete
}

# ensure_base: build the base of all images once; the engines' packages come on top. A build waits
# while another one builds the base.
ensure_base() {
    BASE=$CACHE/system/base$SYSTEM_VARIANT@$BASE_DIGEST.tar
    flock "$CACHE_LOCK"
    if [ -n "$FORCE" ] || [ ! -f "$BASE" ]; then
        EXCLUSIONS=("$IMAGE_SOURCE/common/excluded-paths")
        make_packages essential "$(lines "${PACKAGE_LISTS[@]}" | paste -sd,)"
        # The settings of this run would override those of the next.
        rm -f "$WORK/rootfs/etc/apt/apt.conf.d/99mmdebstrap" \
            "$WORK/rootfs/etc/dpkg/dpkg.cfg.d/99mmdebstrap" \
            "$WORK/rootfs/etc/apt/sources.list"
        pack_tree "$BASE"
        rm -rf --one-file-system "$WORK/rootfs"
    fi
    flock --unlock "$CACHE_LOCK"
}

# install_engine: install the engine on the base, after its users have their fixed numbers.
install_engine() {
    write_users_hook >"$WORK/users.sh"
    write_suite_hook >"$WORK/suite.sh"
    EXCLUSIONS=("$IMAGE_SOURCE/common/excluded-paths" "$DATASTORE_SOURCE/excluded-paths")
    local packages more=()
    packages=$(lines "$DATASTORE_SOURCE/packages" | paste -sd,)
    if [ -n "$ENGINE_SUITE_LIBRARIES" ]; then
        write_replace_hook "${packages//,/ }" >"$WORK/replace.sh"
        packages='' more=(--dpkgopt=force-overwrite \
            --customize-hook="sh '$WORK/replace.sh' \"\$1\"")
    fi
    # shellcheck disable=SC2016
    make_packages custom "$packages" "${more[@]}" \
        --setup-hook="tar -C \"\$1\" --numeric-owner --xattrs --xattrs-include='*' -xf '$BASE'" \
        --setup-hook="sh '$WORK/users.sh' \"\$1\"" \
        --setup-hook="sh '$WORK/suite.sh' \"\$1\""
}

# make_packages VARIANT PACKAGES OPTION...: install packages. mmdebstrap keeps services from
# starting (policy-rc.d returns 101) meanwhile. Without apt in the tree: an image is replaced,
# never upgraded in place.
make_packages() {
    local variant=$1 packages=$2 fetched=$WORK/packages
    shift 2
    rm -rf "$fetched"
    mkdir "$fetched"
    # shellcheck disable=SC2016,SC2046
    TMPDIR=$WORK mmdebstrap --mode=root --variant="$variant" --format=directory \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        ${packages:+--include="$packages"} \
        --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "3"' ${SNAPSHOT:+--aptopt='Acquire::Check-Valid-Until "false"'} \
        --dpkgopt=force-unsafe-io --dpkgopt=force-confdef --dpkgopt=force-confold \
        $(lines "${EXCLUSIONS[@]}" |
            sed -e '/^!/!s/^/--dpkgopt=path-exclude=/' -e 's/^!/--dpkgopt=path-include=/') \
        --skip=download/empty --skip=essential/unlink \
        "$@" \
        --setup-hook='mkdir -p "$1/var/cache/apt/archives"' \
        --setup-hook="find '$CACHE/packages' -name '*.deb' -exec \
            cp -t \"\$1/var/cache/apt/archives\" {} +" \
        --customize-hook="cp -n -t '$fetched' \"\$1\"/var/cache/apt/archives/*.deb" \
        bookworm "$WORK/rootfs" \
        "deb $MIRROR bookworm main" \
        "deb $MIRROR bookworm-updates main" \
        "deb $SECURITY_MIRROR bookworm-security main"
    keep_packages "$fetched"
}

# keep_packages FETCHED: keep fetched packages for the next build; drop those unused for a month.
keep_packages() {
    # shellcheck disable=SC2016
    dpkg-query --root="$WORK/rootfs" --show \
        --showformat='${Package}_${Version}_${Architecture}.deb\n' |
        sed 's/:/%3a/g' | while read -r file; do
        [ ! -e "$1/$file" ] || mv "$1/$file" "$CACHE/packages/$file"
    done
    rm -rf "$1"
    find "$CACHE/packages" -name '*.deb' -mtime +30 -delete
}

# write_users_hook: print a script that creates the engine's users with fixed numbers before a
# package creates them with the next free ones. Data volumes outlive images, so owners must not
# change.
write_users_hook() {
    local name uid home gecos
    # shellcheck disable=SC2016
    echo 'set -e; cd "$1/etc"'
    records "$DATASTORE_SOURCE/users" | while IFS=: read -r name uid home gecos; do
        cat <<EOF
echo '$name:x:$uid:$uid:$gecos:$home:/usr/sbin/nologin' >>passwd
echo '$name:!:1::::::' >>shadow
echo '$name:x:$uid:' >>group
[ ! -e gshadow ] || echo '$name:!::' >>gshadow
EOF
    done
}

# write_suite_hook: print a script that adds a suite for the datastore's own packages only; with
# ENGINE_SUITE_LIBRARIES also for the newer libraries that they need.
write_suite_hook() {
    [ -n "$ENGINE_SUITE" ] || return 0
    local others=-1
    [ -z "$ENGINE_SUITE_LIBRARIES" ] || others=500
    cat <<EOF
set -e; cd "\$1/etc/apt"
mkdir -p sources.list.d preferences.d
cat >sources.list.d/engine.list <<'LIST'
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR $ENGINE_SUITE main
LIST
cat >preferences.d/engine <<'PREFERENCES'
Package: *
Pin: release n=$ENGINE_SUITE
Pin-Priority: $others

Package: $(lines "$DATASTORE_SOURCE/packages" | paste -sd' ')
Pin: release n=$ENGINE_SUITE
Pin-Priority: 500
PREFERENCES
EOF
}

# write_replace_hook PACKAGES: print a script that installs packages with their dependencies and
# removes conflicting ones, which mmdebstrap does not do in a tree without apt. Split libraries may
# overwrite files of their former packages.
write_replace_hook() {
    cat <<EOF
set -e
export APT_CONFIG="\$MMDEBSTRAP_APT_CONFIG" DEBIAN_FRONTEND=noninteractive
apt-get --yes -o DPkg::Chroot-Directory="\$1" -o DPkg::Use-Pty=false install $1
EOF
}

copy_files() {
    [ -d "$1" ] || return 0
    # Owners and times of the checkout are dropped; modes are those of the repository.
    tar -C "$1" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' -cf - . |
        tar -C "$WORK/rootfs" --no-overwrite-dir --keep-directory-symlink -xf -
}

arrange_units() {
    local units
    units=$(lines "$IMAGE_SOURCE/common/units" "$DATASTORE_SOURCE/units")
    local line verb unit
    for line in $units; do
        verb=${line%%=*} unit=${line#*=}
        case $verb in
            enable | disable | mask) in_tree systemctl "$verb" --quiet "$unit" ;;
            *) echo "units: '$line' is not enable=, disable= or mask="; return 1 ;;
        esac
    done
    in_tree systemctl set-default --quiet multi-user.target
}

# make_seed: create the pristine data directory with the engine's own tools, so that a new instance
# only copies it.
make_seed() {
    [ -x "$DATASTORE_SOURCE/seed" ] || return 0
    install -d -m 0755 "$WORK/rootfs/opt/trove-guest/seed"
    cp "$DATASTORE_SOURCE/seed" "$WORK/rootfs/opt/trove-guest/seed.sh"
    in_tree /opt/trove-guest/seed.sh
    rm "$WORK/rootfs/opt/trove-guest/seed.sh"
}

clear_traces_of_packaging() {
    local tree=$WORK/rootfs
    rm -rf "$tree"/var/cache/apt "$tree"/var/lib/apt "$tree"/var/log/apt \
        "$tree"/etc/apt/apt.conf.d/99mmdebstrap \
        "$tree"/etc/apt/sources.list.d/engine.list "$tree"/etc/apt/preferences.d/engine \
        "$tree"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$tree"/var/cache/debconf/*-old \
        "$tree"/var/cache/ldconfig/aux-cache \
        "$tree"/var/lib/dpkg/*-old "$tree"/usr/sbin/policy-rc.d
    find "$tree/var/log" -type f -delete
}
