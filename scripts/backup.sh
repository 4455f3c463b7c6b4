#!/bin/sh
# A backup of the whole database: backup.sh FILE, or to standard output without one.
# Where the database is, libpq's variables say: PGHOST, PGPORT, PGUSER, PGDATABASE, and PGPASSWORD or a file ~/.pgpass.
# Nobody waits for it: it reads one moment of the database. The format is pg_dump's own, compressed.
set -eu
umask 077

dump() {
    pg_dump --format=custom --no-owner --no-password
}

if [ $# -eq 0 ]; then
    dump
    exit
fi
# Under its own name only when it is whole and can be read.
trap 'rm -f "$1.part"' EXIT
dump > "$1.part"
pg_restore --list "$1.part" > /dev/null
sync "$1.part"
mv "$1.part" "$1"
