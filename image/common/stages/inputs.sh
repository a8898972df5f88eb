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
# Inputs of a build and their digests. Sourced by image/build.
#
# Digests: of the base (packages of all images), of the system tree (base, files, engine), of the
# agent's libraries, and of everything. While a digest stays the same, its cached result is reused.

datastore_versions() {
    local folder
    for folder in "$IMAGE_SOURCE"/datastores/*/; do
        printf '%s ' "$(basename "$folder")"
    done
}

# read_datastore NAME: read datastores/NAME/datastore.conf.
read_datastore() {
    DATASTORE_SOURCE=$IMAGE_SOURCE/datastores/$1
    case $1 in
        */* | .*) fail "'$1' is not a datastore version; known: $(datastore_versions)" ;;
    esac
    [ -f "$DATASTORE_SOURCE/datastore.conf" ] ||
        fail "'$1' is not a datastore version; known: $(datastore_versions)"
    DATASTORE='' VERSION='' MANAGER='' ENGINE_PACKAGE='' ENGINE_SUITE='' ENGINE_SUITE_LIBRARIES=''
    # shellcheck source=/dev/null
    . "$DATASTORE_SOURCE/datastore.conf"
    [ -n "$DATASTORE" ] && [ -n "$VERSION" ] && [ -n "$MANAGER" ] && [ -n "$ENGINE_PACKAGE" ] ||
        fail "$DATASTORE_SOURCE/datastore.conf must set DATASTORE, VERSION, MANAGER and" \
            ENGINE_PACKAGE
}

# lines FILE...: print the words of list files, one a line, without comments.
lines() {
    sed -e 's/#.*//' "$@" | tr -s '[:blank:]' '\n' | sed '/^$/d'
}

# records FILE: print the lines of a table file, without comments.
records() {
    sed -e 's/[ \t]*#.*//' -e '/^[ \t]*$/d' "$1"
}

# agent_modules: print the files of the agent, one a line, by the manifest.
agent_modules() {
    (cd "$REPOSITORY" && "$PYTHON" "$IMAGE_SOURCE/common/manifest.py" \
        "$IMAGE_SOURCE/common/agent-manifest")
}

# digest_of FILE...: print one digest of names, modes and contents; names are relative to the
# repository.
digest_of() {
    (cd "$REPOSITORY" && for name in "$@"; do
        stat --format '%a %n' "$name"
        if [ -L "$name" ]; then readlink "$name"; else sha256sum <"$name"; fi
    done) | sha256sum | cut -c1-64
}

files_below() {
    (cd "$REPOSITORY" && find "$@" -name __pycache__ -prune -o \( -type f -o -type l \) -print |
        LC_ALL=C sort)
}

read_inputs() {
    local constraints=upper-constraints.txt requirements=image/guest-requirements.txt
    [ -f "$REPOSITORY/$constraints" ] || fail "$REPOSITORY/$constraints is missing"
    read_source_date
    AGENT_VERSION=$(agent_version)
    AGENT_FILES=$(agent_modules) || fail \
        'the agent manifest does not match the repository (see above)'
    BASE_DIGEST=$({
        echo "$MIRROR $SECURITY_MIRROR"
        digest_of image/common/packages image/common/packages-disk image/common/excluded-paths \
            image/common/stages/system.sh
    } | sha256sum | cut -c1-64)
    # shellcheck disable=SC2046
    SYSTEM_DIGEST=$({
        echo "$BASE_DIGEST"
        digest_of $(files_below image/common/files-disk image/common/units image/common/files \
            "image/datastores/$DATASTORE_VERSION")
    } | sha256sum | cut -c1-64)
    LIBRARIES_DIGEST=$(digest_of $constraints $requirements image/common/stages/agent.sh)
    # shellcheck disable=SC2046,SC2086
    AGENT_DIGEST=$(digest_of $AGENT_FILES $constraints $requirements $(files_below \
        image/common/stages))
    INPUTS_DIGEST=$(echo "$SYSTEM_DIGEST $AGENT_DIGEST" | sha256sum | cut -c1-64)
}

# Set the time of every file of the build, so that equal inputs give an equal tree.
read_source_date() {
    if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
        SOURCE_DATE_EPOCH=$(repository_git log -1 --format=%ct 2>/dev/null) ||
            SOURCE_DATE_EPOCH=$(stat --format %Y "$REPOSITORY/setup.cfg")
    fi
    export SOURCE_DATE_EPOCH
}

repository_git() { git -c safe.directory="$REPOSITORY" -C "$REPOSITORY" "$@"; }

# agent_version: print the version as the control plane's packages are numbered: that of a release,
# else with the number of commits since the last one.
agent_version() {
    local described tag commits
    if [ -f "$REPOSITORY/PKG-INFO" ]; then
        sed -n 's/^Version: //p' "$REPOSITORY/PKG-INFO"
    elif described=$(repository_git describe --tags --long --match '[0-9]*' 2>/dev/null); then
        tag=${described%-*-*} commits=${described%-*}
        commits=${commits##*-}
        if [ "$commits" = 0 ]; then
            echo "$tag"
        else
            echo "$tag" | awk -F. -v n="$commits" \
                '{ $NF += 1; OFS = "."; $1 = $1; print $0 ".dev" n }'
        fi
    elif commits=$(repository_git rev-list --count HEAD 2>/dev/null); then
        echo "0.0.1.dev$commits"
    else
        echo 0.0.0
    fi
}

# json_field FILE NAME: print a text field of an image.json.
json_field() {
    sed -n "s/^ *\"$2\": \"\(.*\)\",\{0,1\}\$/\1/p" "$1"
}

built_id() { json_field "$1" build_id; }

up_to_date() {
    [ -z "$FORCE" ] && [ -f "$OUTPUT/image.json" ] &&
        [ -f "$OUTPUT/rootfs/etc/trove/image.json" ] &&
        [ "$(json_field "$OUTPUT/image.json" inputs)" = "$INPUTS_DIGEST" ]
}

# publish_tree: publish the tree atomically. Machines may still run on the former tree: an overlay
# must not lose its lower directory, so a new tree never replaces files of an old one.
publish_tree() {
    local build_id tree
    build_id=$(built_id "$WORK/rootfs/etc/trove/image.json")
    tree=$OUTPUT/trees/$build_id
    if [ -e "$tree" ]; then
        tree=$tree-$(date +%s)
    fi
    mv "$WORK/rootfs" "$tree"
    cp "$tree/etc/trove/image.json" "$OUTPUT/.image.json"
    ln -sfn "trees/$(basename "$tree")" "$OUTPUT/.rootfs"
    mv -T "$OUTPUT/.rootfs" "$OUTPUT/rootfs"
    mv "$OUTPUT/.image.json" "$OUTPUT/image.json"
}

# remove_unused_trees: remove trees of earlier builds that no machine's disk is based on.
remove_unused_trees() {
    local tree current
    current=$(readlink -f "$OUTPUT/rootfs")
    if grep -qE "lowerdir=[^ ]*$OUTPUT/rootfs[/:, ]" /proc/mounts; then
        return 0
    fi
    for tree in "$OUTPUT"/trees/*/; do
        tree=${tree%/}
        if [ "$tree" != "$current" ] && ! grep -qF "$tree" /proc/mounts; then
            rm -rf --one-file-system "$tree"
        fi
    done
}
