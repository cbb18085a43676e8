# Shared by the scripts of this folder: where things are, and how to start them. Sourced, never run.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE
PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${CHASER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/invoice_chaser}
mkdir -p "$CACHE"
VENV=$CACHE/venv
ODOO_ROOT=$CACHE/odoo
PG_DATA=$CACHE/pg
PG_PORT=${CHASER_PG_PORT:-54329}
# Several checkouts on one machine share the cache folder and the cluster, but neither odoo.conf nor databases.
CHECKOUT=${CHASER_SUFFIX:-$(printf '%s' "$PROJECT" | sha256sum | cut -c1-6)}
CONF=$CACHE/odoo_$CHECKOUT.conf
mkdir -p "$CACHE/checkouts"; [ -e "$CACHE/checkouts/$CHECKOUT" ] || echo "$PROJECT" > "$CACHE/checkouts/$CHECKOUT"
DATA_DIR=$CACHE/data
TEMPLATE_DB=chaser_template
TEMPLATE_FULL_DB=chaser_template_full
TEMPLATE_PLAIN_DB=chaser_template_plain
export PATH="$CACHE/node/node_modules/.bin:$PATH"

say() { printf '\033[1m[%(%H:%M:%S)T]\033[0m %s\n' -1 "$*" >&2; }
die() { printf '\033[31mStopped:\033[0m %s\n' "$*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else die "root is needed for: $*"; fi; }

# A PostgreSQL server of the user's own is used where PGHOST is set before we come in.
# CHASER_PG_OWN: these scripts call each other, and the inner one must not take our own PGHOST for the user's.
if [ -n "${PGHOST:-}" ] && [ -z "${CHASER_PG_OWN:-}" ]; then PG_OWN=0; else
  PG_OWN=1; export CHASER_PG_OWN=1 PGHOST=127.0.0.1 PGPORT=$PG_PORT PGUSER=chaser PGPASSWORD=chaser
fi
export PGDATABASE=${PGDATABASE:-postgres}

pg_bin() { local b; for b in /usr/lib/postgresql/*/bin; do [ -x "$b/initdb" ] && last=$b; done; echo "${last:-}"; }
# The server refuses to run as root, so a user without rights runs it.
pg_run() { if [ "$(id -u)" = 0 ]; then runuser -u chaserpg -- "$@"; else "$@"; fi; }
pg_ready() { PGCONNECT_TIMEOUT=3 psql -Atqc 'select 1' >/dev/null 2>&1; }

start_postgres() {
  pg_ready && return 0
  [ "$PG_OWN" = 1 ] || die "no PostgreSQL answers at $PGHOST:${PGPORT:-5432} as ${PGUSER:-$USER}; unset PGHOST to let these scripts run one"
  local bin; bin=$(pg_bin); [ -n "$bin" ] || die "PostgreSQL is not installed: run dev/setup"
  [ -f "$PG_DATA/PG_VERSION" ] || die "the PostgreSQL cluster is missing: run dev/setup"
  # 9>&-: the server must not inherit the set-up lock.
  pg_run "$bin/pg_ctl" -D "$PG_DATA" -l "$PG_DATA/server.log" -w -t 60 start >/dev/null 8>&- 9>&- || die "PostgreSQL does not start; see $PG_DATA/server.log"
  pg_ready || die "PostgreSQL started but does not accept connections at $PGHOST:$PGPORT; see $PG_DATA/server.log"
}

write_conf() {
  cat > "$CONF" <<CFG
[options]
addons_path = $(odoo_package)/addons,$PROJECT
data_dir = $DATA_DIR
db_host = $PGHOST
db_port = ${PGPORT:-5432}
db_user = ${PGUSER:-$USER}
db_password = ${PGPASSWORD:-False}
db_maxconn = 64
http_interface = 127.0.0.1
list_db = False
admin_passwd = $(head -c 18 /dev/urandom | base64)
CFG
}

odoo_package() {
  if [ -n "${ODOO_HOME:-}" ]; then echo "$ODOO_HOME/odoo"; else echo "$ODOO_ROOT/usr/lib/python3/dist-packages/odoo"; fi
}

# A key for demo and tests only; a real installation makes its own (README).
export INVOICE_CHASER_KEYS=${INVOICE_CHASER_KEYS:-dev:ZGV2ZWxvcG1lbnQta2V5LW5vdC1mb3ItcHJvZHVjdCE=}

# A launcher of our own: with "python -m odoo" the prefork server cannot start its websocket process.
odoo_cmd() { "$VENV/bin/python" -W ignore::DeprecationWarning "$PROJECT/dev/odoo-bin" "$@"; }

free_port() { python3 "$PROJECT/tests/support/ports.py"; }

db_exists() { [ "$(psql -Atqc "select 1 from pg_database where datname='$1'")" = 1 ]; }
drop_db() { dropdb --if-exists --force "$1" >/dev/null 2>&1 || true; rm -rf "${DATA_DIR:?}/filestore/$1"; }
drop_gone_checkouts() { # what checkouts left behind that are not there any more
  local file gone name
  for file in "$CACHE"/checkouts/*; do
    [ -d "$(cat "$file")" ] && continue
    gone=$(basename "$file")
    say "removing the databases of $(cat "$file"), which is gone"
    for name in $(psql -Atqc "select datname from pg_database where datname like 'chaser\_%\_$gone'"); do drop_db "$name"; done
    rm -rf "${CACHE:?}"/*_"${gone:?}" "$CACHE"/*_"$gone".* "$file"
  done
}
clone_db() { # clone_db FROM TO
  drop_db "$2"; createdb -T "$1" "$2"
  # A database of its own, as Odoo makes a copy: by the uuid a mailbox knows what was sent from it (docs/threats.md).
  psql -q -d "$2" -c "update ir_config_parameter set value = gen_random_uuid() where key = 'database.uuid'"
  if [ -d "$DATA_DIR/filestore/$1" ]; then cp -al "$DATA_DIR/filestore/$1" "$DATA_DIR/filestore/$2"; fi
}
