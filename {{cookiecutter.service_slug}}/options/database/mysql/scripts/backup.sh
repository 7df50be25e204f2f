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
the data of one moment. Migrations may not: they would break that. One that has its final name is complete.

From the environment, as in the service: DATABASE_URL, DATABASE_PASSWORD_FILE, DATABASE_TLS, DATABASE_TLS_CA_FILE.
Needs mariadb and mariadb-dump, or mysql and mysqldump.
EOF
}

main() {
    case ${1:-} in
        -h | --help) usage && return ;;
        -*) fail "unknown option $1; see --help" ;;
    esac
    local folder=${1:-backups}
    choose_clients
    make_workspace "${TMPDIR:-/tmp}"
    connect_as_the_service
    mkdir -p "$folder"
    # One transaction reads everything as it was at its beginning, and no lock keeps the service waiting.
    "$dump" --defaults-extra-file="$login_file" --single-transaction --skip-lock-tables --quick --no-tablespaces \
        --routines --triggers --hex-blob "${dump_options[@]}" "$db_name" | gzip >"$workspace/dump" \
        || fail "$dump failed; no backup was written"
    require_complete "$workspace/dump"
    publish "$workspace/dump" "$folder/$SERVICE-$(date -u +%Y%m%dT%H%M%SZ).sql.gz"
}

main "$@"
