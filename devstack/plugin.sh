#!/bin/bash
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
# DevStack plugin of Trove. DevStack sources it once for each mode and phase; the dispatch is at the
# end. Each function looks for its resource in the cloud first, so that stack.sh can run again.
# shellcheck shell=bash disable=SC2154  # DevStack and the file settings set the variables

_XTRACE_TROVE=$(set +o | grep xtrace)
set +o xtrace

# --- helpers -------------------------------------------------------------------------------

# Run a function without a trace of its arguments in the log: they contain secrets.
# trove_quietly function [argument ...]
function trove_quietly {
    local xtrace
    xtrace=$(set +o | grep xtrace)
    set +o xtrace
    "$@"
    $xtrace
}

# Print the secret of a name, created at random at first use: 64 characters that need no quoting.
# trove_secret name
function trove_secret {
    local file=$TROVE_SECRETS_DIR/$1
    if [[ ! -s $file ]]; then
        (umask 077 && mkdir -p "$TROVE_SECRETS_DIR" && openssl rand -hex 32 >"$file")
    fi
    cat "$file"
}

# Create every secret now: a failure here ends stack.sh, one inside $(trove_secret ...) would not.
function make_trove_secrets {
    local name
    for name in instance-keys rabbit-control rabbit-guests; do
        trove_secret "$name" >/dev/null
    done
}

# Run openstack as the service user, which owns the networks, keypair and image of guests.
# trove_openstack argument ...
function trove_openstack {
    (
        set +o xtrace
        unset OS_CLOUD OS_SYSTEM_SCOPE OS_PROJECT_ID OS_DOMAIN_ID OS_DOMAIN_NAME OS_TENANT_NAME \
            OS_TOKEN
        export OS_AUTH_TYPE=password OS_IDENTITY_API_VERSION=3 OS_AUTH_URL=$KEYSTONE_SERVICE_URI
        export OS_USERNAME=trove OS_PASSWORD=$SERVICE_PASSWORD OS_PROJECT_NAME=$SERVICE_PROJECT_NAME
        export OS_USER_DOMAIN_NAME=$SERVICE_DOMAIN_NAME OS_PROJECT_DOMAIN_NAME=$SERVICE_DOMAIN_NAME
        export OS_REGION_NAME=$REGION_NAME
        openstack "$@"
    )
}

# Print the id of a resource of the service project by its name, or nothing. Fail if the cloud
# fails. trove_find kind name     (kind: "security group", network, subnet, router ...)
function trove_find {
    local kind=$1 name=$2 listed
    # shellcheck disable=SC2086  # kind may be two words
    listed=$(trove_openstack $kind list --project "$SERVICE_PROJECT_NAME" -f value -c ID -c Name) \
        || return 1
    awk -v name="$name" '$2 == name && !found { print $1; found = 1 }' <<<"$listed"
}

# Print the n-th address of a network. trove_address cidr n
function trove_address {
    python3 -c 'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1])[int(sys.argv[2])])' \
        "$1" "$2"
}

# --- install ------------------------------------------------------------------------------------

function install_trove {
    git_clone "$TROVE_REPO" "$TROVE_DIR" "$TROVE_BRANCH"
    setup_develop "$TROVE_DIR"
}

function install_trove_client {
    if use_library_from_git python-troveclient; then
        git_clone_by_name python-troveclient
        setup_dev_lib python-troveclient
    else
        pip_install_gr python-troveclient
    fi
}

# --- broker -------------------------------------------------------------------------------------

# trove_rabbit_vhost name
function trove_rabbit_vhost {
    if ! sudo rabbitmqctl -q list_vhosts | grep -qxF "$1"; then
        sudo rabbitmqctl -q add_vhost "$1"
    fi
}

# Create a user with every permission on one virtual host. The password goes through standard input.
# trove_rabbit_user name secret vhost
function trove_rabbit_user {
    local name=$1 vhost=$3 action=add_user
    if sudo rabbitmqctl -q list_users | awk '{ print $1 }' | grep -qxF "$name"; then
        action=change_password
    fi
    trove_secret "$2" | sudo rabbitmqctl -q "$action" "$name"
    sudo rabbitmqctl -q set_permissions -p "$vhost" "$name" '.*' '.*' '.*'
}

# Create control bus and guest bus. On the guest bus the service creates a user for each guest,
# through the management API.
function create_trove_buses {
    sudo rabbitmq-plugins -q enable rabbitmq_management
    trove_rabbit_vhost "$TROVE_CONTROL_VHOST"
    trove_rabbit_user "$TROVE_CONTROL_USER" rabbit-control "$TROVE_CONTROL_VHOST"
    trove_rabbit_vhost "$TROVE_GUEST_VHOST"
    trove_rabbit_user "$TROVE_GUEST_USER" rabbit-guests "$TROVE_GUEST_VHOST"
    sudo rabbitmqctl -q set_user_tags "$TROVE_GUEST_USER" administrator
}

function remove_trove_buses {
    local user vhost
    command -v rabbitmqctl >/dev/null || return 0
    for user in "$TROVE_CONTROL_USER" "$TROVE_GUEST_USER"; do
        sudo rabbitmqctl -q delete_user "$user" || echo "RabbitMQ has no user $user"
    done
    for vhost in "$TROVE_CONTROL_VHOST" "$TROVE_GUEST_VHOST"; do
        sudo rabbitmqctl -q delete_vhost "$vhost" || echo "RabbitMQ has no virtual host $vhost"
    done
}

# --- configuration files ------------------------------------------------------------------------

# Set the URLs of the buses: the operator's, else those of DevStack's own broker.
function configure_trove_buses {
    local host=$RABBIT_HOST control=$TROVE_CONTROL_TRANSPORT_URL guest=$TROVE_GUEST_TRANSPORT_URL
    local management=$TROVE_GUEST_MANAGEMENT_URL
    if is_service_enabled rabbit; then
        control=rabbit://$TROVE_CONTROL_USER:$(trove_secret rabbit-control)
        control+=@$host:5672/$TROVE_CONTROL_VHOST
        guest=rabbit://$TROVE_GUEST_USER:$(trove_secret rabbit-guests)@$host:5672/$TROVE_GUEST_VHOST
        management=http://$TROVE_GUEST_USER:$(trove_secret rabbit-guests)@$host:15672
    elif [[ -z "$control" || -z "$guest" || -z "$management" ]]; then
        die $LINENO "Without the service rabbit, set TROVE_CONTROL_TRANSPORT_URL," \
            "TROVE_GUEST_TRANSPORT_URL and TROVE_GUEST_MANAGEMENT_URL"
    fi
    iniset "$TROVE_CONF" DEFAULT transport_url "$control"
    iniset "$TROVE_CONF" guest_bus transport_url "$guest"
    iniset "$TROVE_CONF" guest_bus management_url "$management"
}

# Write keys, passwords, and addresses that contain them.
function configure_trove_secrets {
    iniset "$TROVE_CONF" DEFAULT inst_rpc_key_encr_key "$(trove_secret instance-keys)"
    configure_trove_buses
    iniset "$TROVE_CONF" database connection "$(database_connection_url trove)"
    iniset "$TROVE_CONF" service_credentials password "$SERVICE_PASSWORD"
    configure_keystone_authtoken_middleware "$TROVE_CONF" trove
}

function configure_trove_cloud {
    iniset "$TROVE_CONF" service_credentials auth_url "$KEYSTONE_SERVICE_URI"
    iniset "$TROVE_CONF" service_credentials username trove
    iniset "$TROVE_CONF" service_credentials project_name "$SERVICE_PROJECT_NAME"
    iniset "$TROVE_CONF" service_credentials user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$TROVE_CONF" service_credentials project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$TROVE_CONF" service_credentials region_name "$REGION_NAME"
    if is_service_enabled tls-proxy; then
        iniset "$TROVE_CONF" service_credentials cafile "$SSL_BUNDLE_FILE"
        iniset "$TROVE_CONF" oslo_middleware enable_proxy_headers_parsing True
    fi
    # The management network has neither a default route nor a metadata service.
    iniset "$TROVE_CONF" DEFAULT use_nova_server_config_drive True
    iniset "$TROVE_CONF" DEFAULT reserved_network_cidrs "$TROVE_MGMT_SUBNET_RANGE"
    if [[ -n "$TROVE_VOLUME_TYPE" ]]; then
        iniset "$TROVE_CONF" DEFAULT cinder_volume_type "$TROVE_VOLUME_TYPE"
    fi
}

function configure_trove_limits {
    iniset "$TROVE_CONF" DEFAULT max_accepted_volume_size "$TROVE_MAX_ACCEPTED_VOLUME_SIZE"
    iniset "$TROVE_CONF" DEFAULT max_volumes_per_tenant "$TROVE_MAX_VOLUMES_PER_TENANT"
    iniset "$TROVE_CONF" DEFAULT usage_timeout "$TROVE_USAGE_TIMEOUT"
    iniset "$TROVE_CONF" DEFAULT resize_time_out "$TROVE_RESIZE_TIME_OUT"
    iniset "$TROVE_CONF" DEFAULT agent_start_timeout "$TROVE_AGENT_START_TIMEOUT"
    iniset "$TROVE_CONF" DEFAULT agent_call_high_timeout "$TROVE_AGENT_CALL_HIGH_TIMEOUT"
}

function configure_trove_services {
    iniset "$TROVE_CONF" DEFAULT debug "$TROVE_ENABLE_DEBUG"
    iniset "$TROVE_CONF" DEFAULT host "$HOST_IP"
    iniset "$TROVE_CONF" DEFAULT control_exchange trove
    iniset "$TROVE_CONF" DEFAULT api_paste_config "$TROVE_API_PASTE_INI"
    iniset "$TROVE_CONF" DEFAULT guest_config "$TROVE_GUESTAGENT_CONF"
    iniset "$TROVE_CONF" DEFAULT default_datastore "$TROVE_DATASTORE_TYPE"
    iniset "$TROVE_CONF" guest_bus guest_hosts "$TROVE_GUEST_BROKER"
    iniset "$TROVE_CONF" oslo_concurrency lock_path "$TROVE_DATA_DIR/locks"
    setup_logging "$TROVE_CONF"
}

# Write the configuration of every guest; it contains no secret.
function configure_trove_guestagent {
    rm -f "$TROVE_GUESTAGENT_CONF"
    iniset "$TROVE_GUESTAGENT_CONF" DEFAULT debug "$TROVE_ENABLE_DEBUG"
    iniset "$TROVE_GUESTAGENT_CONF" DEFAULT control_exchange trove
    iniset "$TROVE_GUESTAGENT_CONF" DEFAULT command_process_timeout "$TROVE_COMMAND_PROCESS_TIMEOUT"
    iniset "$TROVE_GUESTAGENT_CONF" DEFAULT state_change_wait_time "$TROVE_STATE_CHANGE_WAIT_TIME"
}

function configure_trove_uwsgi {
    local port=$TROVE_SERVICE_PORT
    if is_service_enabled tls-proxy; then
        port=$TROVE_SERVICE_PORT_INT
    fi
    write_uwsgi_config "$TROVE_UWSGI_CONF" "$TROVE_UWSGI" "/database" \
        "$SERVICE_LISTEN_ADDRESS:$port" trove-api
    iniset "$TROVE_UWSGI_CONF" uwsgi threads "$TROVE_API_THREADS"
    iniset "$TROVE_UWSGI_CONF" uwsgi need-app true
    iniset "$TROVE_UWSGI_CONF" uwsgi env "OS_TROVE_CONFIG_FILES=$TROVE_CONF"
}

function configure_trove {
    install -m 644 "$TROVE_DIR/etc/trove/api-paste.ini" "$TROVE_API_PASTE_INI"
    rm -f "$TROVE_CONF"
    install -m 600 /dev/null "$TROVE_CONF"
    configure_trove_services
    configure_trove_cloud
    configure_trove_limits
    trove_quietly configure_trove_secrets
    configure_trove_guestagent
    configure_trove_uwsgi
}

# --- Keystone and the database ------------------------------------------------------------------

function create_trove_accounts {
    local url="$TROVE_SERVICE_PROTOCOL://$TROVE_SERVICE_HOST:$TROVE_SERVICE_PORT/v1.0/\$(project_id)s"
    create_service_user trove admin
    # Logs and backups are stored in the accounts of projects.
    get_or_add_user_project_role ResellerAdmin trove "$SERVICE_PROJECT_NAME"
    get_or_create_service trove database "Trove database service"
    get_or_create_endpoint database "$REGION_NAME" "$url" "$url" "$url"
}

function init_trove {
    recreate_database trove
    "$TROVE_BIN_DIR/trove-manage" --config-file "$TROVE_CONF" db_sync
}

# --- resources of guests in the cloud -------------------------------------------------------------

# Create the keypair of every guest. Its private key stays in TROVE_MGMT_KEY_DIR.
function create_trove_keypair {
    local key=$TROVE_MGMT_KEY_DIR/$TROVE_MGMT_KEYPAIR_NAME
    if [[ ! -s $key ]]; then
        (umask 077 && mkdir -p "$TROVE_MGMT_KEY_DIR")
        ssh-keygen -q -t rsa -b 3072 -m PEM -N '' -C "$TROVE_MGMT_KEYPAIR_NAME" -f "$key"
    fi
    if ! trove_openstack keypair list -f value -c Name | grep -qxF "$TROVE_MGMT_KEYPAIR_NAME"; then
        trove_openstack keypair create --public-key "$key.pub" "$TROVE_MGMT_KEYPAIR_NAME" >/dev/null
    fi
    iniset "$TROVE_CONF" DEFAULT nova_keypair "$TROVE_MGMT_KEYPAIR_NAME"
}

# Guests only open connections: the group keeps Neutron's default rules, which allow all egress.
function create_trove_security_group {
    local group
    group=$(trove_find 'security group' "$TROVE_MGMT_SECURITY_GROUP")
    if [[ -z "$group" ]]; then
        group=$(trove_openstack security group create -f value -c id \
            --description 'Management ports of database instances' "$TROVE_MGMT_SECURITY_GROUP")
    fi
    iniset "$TROVE_CONF" DEFAULT management_security_groups "$group"
}

# The subnet has no gateway: a guest's default route is in its tenant network, and only the broker
# is reached through this one.
# create_trove_subnet network
function create_trove_subnet {
    local found router
    found=$(trove_find subnet "$TROVE_MGMT_SUBNET_NAME")
    if [[ -z "$found" ]]; then
        router=$(trove_address "$TROVE_MGMT_SUBNET_RANGE" 1)
        trove_openstack subnet create --network "$1" --gateway none \
            --subnet-range "$TROVE_MGMT_SUBNET_RANGE" \
            --host-route "destination=${TROVE_GUEST_BROKER%:*}/32,gateway=$router" \
            "$TROVE_MGMT_SUBNET_NAME" >/dev/null
    fi
}

# Create the router's port in the management network. create_trove_router_port network
function create_trove_router_port {
    local found address
    found=$(trove_find port "$TROVE_MGMT_ROUTER_NAME")
    if [[ -z "$found" ]]; then
        address=$(trove_address "$TROVE_MGMT_SUBNET_RANGE" 1)
        trove_openstack port create --network "$1" \
            --fixed-ip "subnet=$TROVE_MGMT_SUBNET_NAME,ip-address=$address" \
            "$TROVE_MGMT_ROUTER_NAME" >/dev/null
    fi
}

# Create the route from the management network to the broker on this host, through the external
# network.
# create_trove_router network
function create_trove_router {
    local found port router_of_port
    found=$(trove_find router "$TROVE_MGMT_ROUTER_NAME")
    if [[ -z "$found" ]]; then
        trove_openstack router create "$TROVE_MGMT_ROUTER_NAME" >/dev/null
    fi
    trove_openstack router set --external-gateway "$PUBLIC_NETWORK_NAME" "$TROVE_MGMT_ROUTER_NAME"
    create_trove_router_port "$1"
    port=$(trove_find port "$TROVE_MGMT_ROUTER_NAME")
    router_of_port=$(trove_openstack port show -f value -c device_id "$port")
    if [[ -z "$router_of_port" ]]; then
        trove_openstack router add port "$TROVE_MGMT_ROUTER_NAME" "$port"
    fi
}

function create_trove_network {
    local network public
    network=$(trove_find network "$TROVE_MGMT_NETWORK_NAME")
    if [[ -z "$network" ]]; then
        network=$(trove_openstack network create -f value -c id "$TROVE_MGMT_NETWORK_NAME")
    fi
    create_trove_subnet "$network"
    create_trove_router "$network"
    public=$(trove_openstack network show -f value -c id "$PUBLIC_NETWORK_NAME")
    iniset "$TROVE_CONF" DEFAULT management_networks "$network"
    iniset "$TROVE_CONF" network public_network_id "$public"
}

# --- guest image and datastore ------------------------------------------------------------------

# Print the qcow2 file: the given one, else one that is built here unless it is up to date.
function build_trove_image {
    local name=$TROVE_DATASTORE_TYPE-$TROVE_DATASTORE_VERSION
    if [[ -n "$TROVE_IMAGE_FILE" ]]; then
        echo "$TROVE_IMAGE_FILE"
        return
    fi
    sudo "$TROVE_DIR/image/build" "$name" --output "$TROVE_IMAGE_DIR/$name" --qcow2 >&2 || return 1
    echo "$TROVE_IMAGE_DIR/$name/$name.qcow2"
}

# Upload a file unless Glance has it. upload_trove_image file checksum
function upload_trove_image {
    local found
    found=$(trove_image_id "$2")
    if [[ -z "$found" ]]; then
        trove_openstack image create --private --disk-format qcow2 --container-format bare \
            --file "$1" \
            --property hw_rng_model=virtio --property "trove_image_sha256=$2" \
            --tag trove --tag "$TROVE_DATASTORE_TYPE" "$TROVE_IMAGE_NAME" >/dev/null
    fi
}

# trove_image_id checksum
function trove_image_id {
    local listed
    listed=$(trove_openstack image list -f value -c ID --property "trove_image_sha256=$1") ||
        return 1
    head -n 1 <<<"$listed"
}

function register_trove_datastore {
    local file checksum image manage=("$TROVE_BIN_DIR/trove-manage" --config-file "$TROVE_CONF")
    file=$(build_trove_image)
    [[ -r "$file" ]] || die $LINENO "Guest image $file does not exist"
    checksum=$(sha256sum "$file" | cut -d ' ' -f 1)
    upload_trove_image "$file" "$checksum"
    image=$(trove_image_id "$checksum")
    "${manage[@]}" datastore_version_update "$TROVE_DATASTORE_TYPE" "$TROVE_DATASTORE_VERSION" \
        "$TROVE_DATASTORE_MANAGER" "$image" '' 1
    "${manage[@]}" datastore_update "$TROVE_DATASTORE_TYPE" "$TROVE_DATASTORE_VERSION"
}

# --- processes ----------------------------------------------------------------------------------

function start_trove {
    run_process tr-api "$(command -v uwsgi) --procname-prefix trove-api --ini $TROVE_UWSGI_CONF"
    run_process tr-tmgr "$TROVE_BIN_DIR/trove-taskmanager --config-file $TROVE_CONF"
    run_process tr-cond "$TROVE_BIN_DIR/trove-conductor --config-file $TROVE_CONF"
    if is_service_enabled tr-api; then
        if is_service_enabled tls-proxy; then
            start_tls_proxy trove '*' "$TROVE_SERVICE_PORT" "$TROVE_SERVICE_HOST" \
                "$TROVE_SERVICE_PORT_INT"
        fi
        wait_for_service "$SERVICE_TIMEOUT" \
            "$TROVE_SERVICE_PROTOCOL://$TROVE_SERVICE_HOST:$TROVE_SERVICE_PORT/healthcheck" ||
            die $LINENO "tr-api did not start"
    fi
}

function stop_trove {
    local service
    for service in tr-api tr-tmgr tr-cond; do
        stop_process "$service"
    done
}

function cleanup_trove {
    remove_uwsgi_config "$TROVE_UWSGI_CONF" trove-api
    remove_trove_buses
    # The image was built by root.
    sudo rm -rf "$TROVE_CONF_DIR" "$TROVE_DATA_DIR"
}

function configure_trove_tempest {
    if is_service_enabled tempest; then
        iniset "$TEMPEST_CONFIG" service_available trove True
    fi
}

# --- dispatch -----------------------------------------------------------------------------------

function trove_stack {
    case $1 in
        install)
            echo_summary "Installing Trove"
            install_trove
            install_trove_client
            ;;
        post-config)
            echo_summary "Configuring Trove"
            sudo install -d -o "$STACK_USER" -m 755 "$TROVE_CONF_DIR" "$TROVE_DATA_DIR" \
                "$TROVE_DATA_DIR/locks"
            trove_quietly make_trove_secrets
            if is_service_enabled rabbit; then
                trove_quietly create_trove_buses
            fi
            configure_trove
            create_trove_accounts
            init_trove
            ;;
        extra)
            echo_summary "Preparing the cloud for Trove's guests"
            create_trove_keypair
            create_trove_security_group
            create_trove_network
            register_trove_datastore
            echo_summary "Starting Trove"
            start_trove
            ;;
        test-config)
            configure_trove_tempest
            ;;
    esac
}

# Trace the work in the log of stack.sh, not the definitions.
$_XTRACE_TROVE

if is_service_enabled trove; then
    TROVE_BIN_DIR=${TROVE_BIN_DIR:-$(get_python_exec_prefix)}
    case $1 in
        stack) trove_stack "$2" ;;
        unstack) stop_trove ;;
        clean) cleanup_trove ;;
    esac
fi
