# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are handed from one file to another
# How backup.sh and restore.sh reach the server: through a file that only this user can read and that is gone at the end.

# The clients are called after MariaDB or after MySQL, and want some options under different names.
choose_clients() {
    if command -v mariadb >/dev/null && command -v mariadb-dump >/dev/null; then
        client=mariadb dump=mariadb-dump
    else
        client=mysql dump=mysqldump
    fi
    need "$client" "$dump" gzip
    if [[ $("$client" --version) == *MariaDB* ]]; then
        flavour=mariadb dump_options=()
    else
        # Statistics of columns are asked for from servers that have none; transaction numbers fit no other server.
        flavour=mysql dump_options=(--column-statistics=0 --set-gtid-purged=OFF)
    fi
}

# An option of the file. In quotes only \ and " have a meaning.
option() {
    local value=${2//\\/\\\\}
    printf '%s="%s"\n' "$1" "${value//\"/\\\"}"
}

# Writes the file into the workspace.
connect_as_the_service() {
    read_address mysql
    unset DATABASE_URL
    login_file=$workspace/login
    {
        echo "[client]"
        [[ -z $db_user ]] || option user "$db_user"
        option password "$db_password"
        option host "${db_host:-127.0.0.1}"
        option port "${db_port:-3306}"
        option protocol tcp
        option default-character-set utf8mb4
        tls_options "${DATABASE_TLS:-off}"
    } >"$login_file"
}

tls_options() {
    case $flavour-$1 in
        mariadb-off) echo "skip-ssl" ;;
        mariadb-require) printf '%s\n' "ssl" "skip-ssl-verify-server-cert" ;;
        mariadb-verify) printf '%s\n' "ssl" "ssl-verify-server-cert" ;;
        mysql-off) echo "ssl-mode=DISABLED" ;;
        mysql-require) echo "ssl-mode=REQUIRED" ;;
        mysql-verify) echo "ssl-mode=VERIFY_IDENTITY" ;;
        *) fail "DATABASE_TLS must be off, require or verify" ;;
    esac
    [[ $1 != verify ]] || option ssl-ca "${DATABASE_TLS_CA_FILE:-/etc/ssl/certs/ca-certificates.crt}"
}

run_sql() {
    "$client" --defaults-extra-file="$login_file" --batch --skip-column-names "$@" "$db_name"
}

# The last line of a dump says that it is complete, which gzip's own checksum does not.
require_complete() {
    gzip --test "$1" 2>/dev/null || fail "$1 is not a complete archive. Nothing was changed"
    [[ $(gzip --decompress --stdout "$1" | tail -n 1) == "-- Dump completed"* ]] \
        || fail "$1 ends too early. Nothing was changed"
    [[ $(gzip --decompress --stdout "$1" | grep -c "^CREATE TABLE \`alembic_version\`") == 1 ]] \
        || fail "no table alembic_version in the dump: is it of this service?"
}
