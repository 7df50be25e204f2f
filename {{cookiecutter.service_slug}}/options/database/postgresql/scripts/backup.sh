#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=database.sh
source "${BASH_SOURCE[0]%/*}/database.sh"
# shellcheck source-path=SCRIPTDIR source=connection.sh
source "${BASH_SOURCE[0]%/*}/connection.sh"

usage() {
    cat <<EOF
Usage: scripts/backup.sh [FOLDER]

Writes a backup of the database that DATABASE_URL names into FOLDER (default: backups) and prints its name.
Beside it, in a file with .sha256 at the end of its name, is its checksum. The service may run meanwhile: a backup holds
the data of one moment. One that has its final name is complete.

From the environment, as in the service: DATABASE_URL, DATABASE_PASSWORD_FILE, DATABASE_TLS, DATABASE_TLS_CA_FILE.
pg_dump must not be older than the server.
EOF
}

main() {
    case ${1:-} in
        -h | --help) usage && return ;;
        -*) fail "unknown option $1; see --help" ;;
    esac
    local folder=${1:-backups}
    need pg_dump pg_restore
    connect_as_the_service
    mkdir -p "$folder"
    make_workspace "$folder"
    # Behind a migration it waits a minute, not for ever.
    pg_dump --no-password --format=custom --lock-wait-timeout=60s --file="$workspace/dump" \
        || fail "pg_dump failed; no backup was written"
    require_schema "$workspace/dump"
    publish "$workspace/dump" "$folder/$SERVICE-$(date -u +%Y%m%dT%H%M%SZ).dump"
}

main "$@"
