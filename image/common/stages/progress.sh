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
# What the person at the terminal sees. Sourced by image/build.

STARTED=$(date +%s.%N)

elapsed() { awk -v from="${1:-$STARTED}" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }'; }

say() { printf 'image: [%6s s] %s\n' "$(elapsed)" "$*"; }

fail() {
    printf 'image: error: %s\n' "$*" >&2
    exit 1
}

# run_stage TITLE FUNCTION: runs it with its output in the build log and shows how long it took.
# The function runs in this shell, so that what it learns is known to later stages.
run_stage() {
    local title=$1 function=$2 began
    began=$(date +%s.%N)
    say "$title ..."
    CURRENT_STAGE=$title
    exec {TERMINAL}>&1 {TERMINAL_ERRORS}>&2 >>"$LOG" 2>&1
    "$function"
    exec 1>&"$TERMINAL"
    exec 2>&"$TERMINAL_ERRORS" {TERMINAL}>&- {TERMINAL_ERRORS}>&-
    CURRENT_STAGE=''
    say "$title: $(elapsed "$began") s"
}

# Called on every exit that is not a success while a stage runs.
show_failed_stage() {
    [ -n "${CURRENT_STAGE:-}" ] || return 0
    exec 1>&"$TERMINAL"
    exec 2>&"$TERMINAL_ERRORS"
    printf 'image: error: stage "%s" failed; the end of %s:\n' "$CURRENT_STAGE" "$LOG" >&2
    tail -n 30 "$LOG" | sed 's/^/    /' >&2
    tell_reason
}

# tell_reason: what apt says of the cause, and what to do about it, in the last line: who asked for
# an instance sees no more than that.
tell_reason() {
    local reason advice=''
    reason=$(grep '^E: ' "$LOG" | grep -vE '^E: (apt-get|mmdebstrap) .*failed' | tail -n 1) || return 0
    case $reason in
        *' is expired '*) advice=' Use a mirror that is up to date (--mirror), or take its old lists (--snapshot;'
            advice="$advice for the sandbox TROVE_IMAGE_SNAPSHOT=1)." ;;
    esac
    printf 'image: error: %s%s\n' "${reason#E: }" "$advice" >&2
}
