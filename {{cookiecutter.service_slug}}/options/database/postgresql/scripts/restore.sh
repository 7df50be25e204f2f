#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=database.sh
source "${BASH_SOURCE[0]%/*}/database.sh"
# shellcheck source-path=SCRIPTDIR source=connection.sh
source "${BASH_SOURCE[0]%/*}/connection.sh"

OURS="schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\_%'"

usage() {
    cat <<EOF
Usage: scripts/restore.sh [--replace] FILE

Restores a backup into the database that DATABASE_URL names, in one transaction: all of it or nothing. The checksum in
FILE.sha256 is compared first. A database that has tables is refused.

  --replace   drop all tables of that database first, in the same transaction. Stop the service before.

From the environment, as in the service: DATABASE_URL, DATABASE_PASSWORD_FILE, DATABASE_TLS, DATABASE_TLS_CA_FILE.
EOF
}

run_sql() {
    psql --no-password --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}

# The statements that restore; without COMMIT, which comes last, the server undoes everything.
statements() {
    local file=$1 replace=$2
    echo "BEGIN;"
    if [[ $replace == yes ]]; then
        echo "SET LOCAL lock_timeout = '30s';"
        echo "SELECT format('DROP TABLE IF EXISTS %I.%I CASCADE', schemaname, tablename) FROM pg_tables WHERE $OURS \\gexec"
    fi
    pg_restore --no-owner --no-privileges --file=- "$file" && echo "COMMIT;"
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
    need pg_restore psql
    connect_as_the_service
    require_intact "$file"
    require_schema "$file"
    tables=$(run_sql --command="SELECT count(*) FROM pg_tables WHERE $OURS") || fail "the database cannot be used"
    [[ $tables == 0 || $replace == yes ]] || fail "database $PGDATABASE has $tables tables already. Nothing was changed;" \
        "restore into an empty one, or say --replace to drop them"
    statements "$file" "$replace" | run_sql --output=/dev/null || fail "restoring failed. Nothing was changed"
    run_sql --command=ANALYZE
    echo "restored $file into $PGDATABASE"
}

main "$@"
