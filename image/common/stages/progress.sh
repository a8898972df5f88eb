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
# Progress on the terminal. Sourced by image/build.

STARTED=$(date +%s.%N)

elapsed() { awk -v from="${1:-$STARTED}" -v to="$(date +%s.%N)" \
    'BEGIN { printf "%.1f", to - from }'; }

log() { printf 'image: [%6s s] %s\n' "$(elapsed)" "$*"; }

fail() {
    printf 'image: error: %s\n' "$*" >&2
    exit 1
}

# run_stage TITLE FUNCTION: run a function with its output in the build log, and show its duration.
# The function runs in this shell, so that later stages see its variables.
run_stage() {
    local title=$1 function=$2 began
    began=$(date +%s.%N)
    log "$title ..."
    CURRENT_STAGE=$title
    exec {TERMINAL}>&1 {TERMINAL_ERRORS}>&2 >>"$LOG" 2>&1
    "$function"
    exec 1>&"$TERMINAL"
    exec 2>&"$TERMINAL_ERRORS" {TERMINAL}>&- {TERMINAL_ERRORS}>&-
    CURRENT_STAGE=''
    log "$title: $(elapsed "$began") s"
}

# Called on every exit that is not a success while a stage runs.
show_failed_stage() {
    [ -n "${CURRENT_STAGE:-}" ] || return 0
    exec 1>&"$TERMINAL"
    exec 2>&"$TERMINAL_ERRORS"
    printf 'image: error: stage "%s" failed; the end of %s:\n' "$CURRENT_STAGE" "$LOG" >&2
    tail -n 30 "$LOG" | sed 's/^/    /' >&2
    print_reason
}

# print_reason: print apt's reason and the remedy as the last line, the only one that the creator of
# an instance sees.
print_reason() {
    local reason advice=''
    reason=$(grep '^E: ' "$LOG" | grep -vE '^E: (apt-get|mmdebstrap) .*failed' | tail -n 1) ||
        return 0
    case $reason in
        *' is expired '*)
            advice=' Use a mirror that is up to date (--mirror), or take its old lists (--snapshot;'
            advice="$advice for the sandbox TROVE_IMAGE_SNAPSHOT=1)." ;;
    esac
    printf 'image: error: %s%s\n' "${reason#E: }" "$advice" >&2
}
