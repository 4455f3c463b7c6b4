#!/bin/sh
# Restore a backup into an empty database: restore.sh FILE, or from standard input without one.
# Where the database is, libpq's variables say, as for backup.sh; its user becomes the owner of all that is made.
# All of it is restored, or nothing. What there is already is never touched: then this refuses.
set -eu

tables=$(psql --no-psqlrc --no-password --tuples-only --no-align --command \
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace" < /dev/null)
if [ "$tables" != 0 ]; then
    echo "This database is not empty, and a backup is never restored over one. Create a new database." >&2
    exit 1
fi
pg_restore --no-owner --no-password --exit-on-error --single-transaction --dbname="${PGDATABASE:?}" "$@"
psql --no-psqlrc --no-password --quiet --command "ANALYZE"
echo "Restored. Now: manage.py migrate, manage.py run_due, manage.py verify_evidence --expect DIGEST" >&2
