# shellcheck shell=bash
# How backup.sh and restore.sh reach PostgreSQL: in libpq's variables, so that nothing of it is in a command line.

# shellcheck disable=SC2154 # read_address sets what begins with db_
connect_as_the_service() {
    read_address postgresql
    export PGDATABASE=$db_name PGAPPNAME=$SERVICE-backup PGCONNECT_TIMEOUT=10
    [[ -z $db_user ]] || export PGUSER=$db_user
    [[ -z $db_host ]] || export PGHOST=$db_host
    [[ -z $db_port ]] || export PGPORT=$db_port
    [[ -z $db_password ]] || export PGPASSWORD=$db_password
    unset DATABASE_URL
    case ${DATABASE_TLS:-off} in
        off) export PGSSLMODE=disable ;;
        require) export PGSSLMODE=require ;;
        # `system`, the certificates that the machine trusts, is known to libpq 16 and newer.
        verify) export PGSSLMODE=verify-full PGSSLROOTCERT=${DATABASE_TLS_CA_FILE:-system} ;;
        *) fail "DATABASE_TLS must be off, require or verify" ;;
    esac
}

# A dump of something else is no backup of this service.
require_schema() {
    local contents
    contents=$(pg_restore --list "$1") || fail "pg_restore cannot read the dump. Nothing was changed"
    [[ $contents == *" alembic_version "* ]] || fail "no table alembic_version in the dump: is it of this service?"
}
