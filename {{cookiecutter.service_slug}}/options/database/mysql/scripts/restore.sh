#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=database.sh
source "${BASH_SOURCE[0]%/*}/database.sh"
# shellcheck source-path=SCRIPTDIR source=connection.sh
source "${BASH_SOURCE[0]%/*}/connection.sh"

OURS="FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"

usage() {
    cat <<EOF
Usage: scripts/restore.sh [--replace] FILE

Restores a backup into the database that DATABASE_URL names. The checksum in FILE.sha256 is compared first. A database
that has tables is refused. If restoring fails, the tables that it made are dropped again.

  --replace   drop all tables of that database first. They are gone even if restoring fails then, because the server
              cannot undo it: restore into a new database instead wherever you can. Stop the service before.

From the environment, as in the service: DATABASE_URL, DATABASE_PASSWORD_FILE, DATABASE_TLS, DATABASE_TLS_CA_FILE.
EOF
}

drop_tables() {
    {
        echo "SET SESSION foreign_key_checks = 0, lock_wait_timeout = 30;"
        run_sql --execute="SELECT CONCAT('DROP TABLE \`', REPLACE(table_name, '\`', '\`\`'), '\`;') $OURS"
    } | run_sql
}

main() {
    local replace=no
    while [[ ${1:-} == -* ]]; do
        case $1 in
            -h | --help) usage && return ;;
            --replace) replace=yes ;;
            *) fail "unknown option $1; see --help" ;;
        esac
        shift
    done
    [[ $# == 1 ]] || fail "name one backup; see --help"
    local file=$1 tables
    choose_clients
    make_workspace "${TMPDIR:-/tmp}"
    connect_as_the_service
    require_intact "$file"
    require_complete "$file"
    tables=$(run_sql --execute="SELECT COUNT(*) $OURS") || fail "the database cannot be used"
    [[ $tables == 0 || $replace == yes ]] || fail "database $db_name has $tables tables already. Nothing was changed;" \
        "restore into an empty one, or say --replace to drop them"
    [[ $tables == 0 ]] || drop_tables || fail "the old tables could not be dropped, or not all of them"
    gzip --decompress --stdout "$file" | run_sql || give_up
    echo "restored $file into $db_name"
}

give_up() {
    drop_tables || fail "restoring failed, and what it left could not be dropped: do not start the service"
    fail "restoring failed; the database is empty now"
}

main "$@"
