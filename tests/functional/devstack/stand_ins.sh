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
# In place of DevStack: its variables, and those of its functions that the plugin calls. Files are
# really edited; what would change the host is written to $RECORD, one call a line.
# shellcheck shell=bash disable=SC2034,SC2154

DEST=$PLACE/stack
DATA_DIR=$PLACE/data
STACK_USER=$(id -un)
SERVICE_HOST=192.0.2.10
HOST_IP=192.0.2.10
SERVICE_LISTEN_ADDRESS=0.0.0.0
SERVICE_PROTOCOL=http
SERVICE_PASSWORD=canary-service-password
SERVICE_PROJECT_NAME=service
SERVICE_DOMAIN_NAME=Default
SERVICE_TIMEOUT=60
KEYSTONE_SERVICE_URI=http://192.0.2.10/identity
REGION_NAME=RegionOne
RABBIT_HOST=192.0.2.10
PUBLIC_NETWORK_NAME=public
TEMPEST_CONFIG=$PLACE/tempest.conf
SSL_BUNDLE_FILE=/opt/stack/data/ca-bundle.pem
ENABLED_SERVICES=${ENABLED_SERVICES:-key,rabbit,mysql,tempest}

function record {
    local IFS=' '
    echo "$*" >>"$RECORD"
}

# --- really done --------------------------------------------------------------------------------

function enable_service {
    local service
    for service in "$@"; do
        is_service_enabled "$service" || ENABLED_SERVICES+=,$service
    done
}

function is_service_enabled {
    local service
    for service in "$@"; do
        [[ ,$ENABLED_SERVICES, == *,$service,* ]] && return 0
    done
    return 1
}

# iniset file section option value: an option that is there is replaced in its place, else it heads
# its section.
function iniset {
    local xtrace edited
    xtrace=$(set +o | grep xtrace)
    set +o xtrace
    [[ -e $1 ]] || : >"$1"
    grep -qxF "[$2]" "$1" || printf '\n[%s]\n' "$2" >>"$1"
    edited=$(OPTION=$3 LINE="$3 = $4" awk -v header="[$2]" -v replace="$(_ini_has "$@")" '
        /^\[/ { here = $0 == header }
        here && replace && $1 == ENVIRON["OPTION"] { print ENVIRON["LINE"]; next }
        { print }
        $0 == header && !replace { print ENVIRON["LINE"] }' "$1")
    printf '%s\n' "$edited" >"$1"
    $xtrace
}

# 1 when the section of the file has the option.
function _ini_has {
    OPTION=$3 awk -v header="[$2]" \
        '/^\[/ { here = $0 == header } here && $1 == ENVIRON["OPTION"] { print 1; exit }' "$1"
}

function die {
    shift
    echo "[ERROR] $*" >&2
    exit 1
}

function write_uwsgi_config {
    local kind=wsgi-file
    [[ $2 =~ ^[a-zA-Z0-9_.]+:[a-zA-Z0-9_]+$ ]] && kind=module
    rm -f "$1"
    iniset "$1" uwsgi "$kind" "$2"
    iniset "$1" uwsgi processes 2
    iniset "$1" uwsgi master true
    iniset "$1" uwsgi lazy-apps true
    iniset "$1" uwsgi http "$4"
    record write_uwsgi_config "$@"
}

function remove_uwsgi_config {
    rm -f "$1"
}

function configure_keystone_authtoken_middleware {
    iniset "$1" keystone_authtoken auth_type password
    iniset "$1" keystone_authtoken interface public
    iniset "$1" keystone_authtoken auth_url "$KEYSTONE_SERVICE_URI"
    iniset "$1" keystone_authtoken username "$2"
    iniset "$1" keystone_authtoken password "$SERVICE_PASSWORD"
    iniset "$1" keystone_authtoken user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$1" keystone_authtoken project_name "$SERVICE_PROJECT_NAME"
    iniset "$1" keystone_authtoken project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$1" keystone_authtoken cafile "$SSL_BUNDLE_FILE"
    iniset "$1" keystone_authtoken memcached_servers localhost:11211
}

function setup_logging {
    iniset "$1" DEFAULT logging_debug_format_suffix 'from (pid=%(process)d) %(funcName)s'
    iniset "$1" DEFAULT logging_exception_prefix 'ERROR %(name)s %(instance)s'
}

function recreate_database {
    record recreate_database "$@"
    rm -f "$PLACE/$1.sqlite"
}

function database_connection_url {
    echo "sqlite:///$PLACE/$1.sqlite"
}

function get_python_exec_prefix {
    echo "$PROGRAMS"
}

function run_process {
    is_service_enabled "$1" && record run_process "$@"
}

# --- only recorded ------------------------------------------------------------------------------

for _name in echo_summary git_clone git_clone_by_name setup_develop setup_dev_lib pip_install_gr \
    create_service_user \
    get_or_create_service get_or_create_endpoint get_or_add_user_project_role start_tls_proxy \
    stop_process wait_for_service; do
    eval "function $_name { record $_name \"\$@\"; }"
done

function use_library_from_git {
    return 1
}
