# shellcheck shell=bash
# What backup.sh and restore.sh share; they source it. Where the database is, they learn from the service's own variables.

SERVICE={{ cookiecutter.service_slug }}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || fail "$command is not installed"
    done
}

# Percent-encoded text as it is meant.
decoded() {
    local rest=$1 text='' character
    while [[ -n $rest ]]; do
        if [[ $rest =~ ^%([0-9A-Fa-f]{2}) ]]; then
            printf -v character '%b' "\\x${BASH_REMATCH[1]}"
            text+=$character
            rest=${rest:3}
        else
            text+=${rest:0:1}
            rest=${rest:1}
        fi
    done
    printf '%s' "$text"
}

# Sets db_user, db_password, db_host, db_port and db_name from DATABASE_URL and DATABASE_PASSWORD_FILE, as the service
# reads them. No message shows the URL: it may hold the password.
# shellcheck disable=SC2034
read_address() {
    local scheme=$1 address=${DATABASE_URL:-} authority login=''
    [[ -n $address ]] || fail "DATABASE_URL is not set"
    [[ $address == "$scheme://"* ]] || fail "DATABASE_URL must look like $scheme://user:password@host/name"
    [[ $address != *\?* ]] || fail "DATABASE_URL takes no options after a \`?\`; there is a variable for each"
    address=${address#*://}
    authority=${address%%/*}
    db_name=$(decoded "${address#"$authority"}")
    db_name=${db_name#/}
    [[ -n $db_name ]] || fail "DATABASE_URL names no database"
    if [[ $authority == *@* ]]; then
        login=${authority%@*}
        authority=${authority##*@}
    fi
    db_user=$(decoded "${login%%:*}")
    db_password=''
    [[ $login != *:* ]] || db_password=$(decoded "${login#*:}")
    [[ -z ${DATABASE_PASSWORD_FILE:-} ]] || read_password_file
    [[ $authority =~ ^(\[([^]]*)\]|([^:]*))(:([0-9]+))?$ ]] || fail "DATABASE_URL: host and port are not readable"
    db_host=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
    db_port=${BASH_REMATCH[5]}
}

read_password_file() {
    [[ -r $DATABASE_PASSWORD_FILE ]] || fail "DATABASE_PASSWORD_FILE: $DATABASE_PASSWORD_FILE cannot be read"
    db_password=$(<"$DATABASE_PASSWORD_FILE")
    db_password=${db_password#"${db_password%%[![:space:]]*}"}
    db_password=${db_password%"${db_password##*[![:space:]]}"}
}

# Only the digest, so that a backup may be renamed.
digest() {
    local line
    if command -v sha256sum >/dev/null; then
        line=$(sha256sum <"$1")
    else
        line=$(shasum -a 256 <"$1")
    fi
    printf '%s' "${line%% *}"
}

# A folder for this run alone, gone at its end whatever happens.
make_workspace() {
    umask 077
    workspace=$(mktemp -d "$1/.$SERVICE-XXXXXX") || fail "$1 cannot be written"
    trap 'rm -rf "$workspace"' EXIT
}

# Names of complete backups only ever appear at once: checksum first, then the backup itself.
publish() {
    local finished=$1 target=$2
    [[ ! -e $target ]] || fail "$target exists already"
    printf '%s  %s\n' "$(digest "$finished")" "${target##*/}" >"$finished.sha256"
    sync "$finished" "$finished.sha256"
    mv "$finished.sha256" "$target.sha256"
    mv "$finished" "$target"
    printf '%s\n' "$target"
}

require_intact() {
    local file=$1 expected
    [[ -r $file ]] || fail "$file cannot be read"
    [[ -r $file.sha256 ]] || fail "$file.sha256 is missing: without its checksum a backup is not restored"
    expected=$(<"$file.sha256")
    [[ $(digest "$file") == "${expected%% *}" ]] || fail "$file is damaged: its checksum differs. Nothing was changed"
}
