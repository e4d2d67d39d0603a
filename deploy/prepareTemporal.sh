#!/bin/sh
# Prepares the engine's database and namespace. Can be run again at any time: it adds what is missing and upgrades tables.
#
#   prepareTemporal.sh tables      before the server starts; wants SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD
#   prepareTemporal.sh namespace   while it runs; wants TEMPORAL_ADDRESS, and TEMPORAL_NAMESPACE unless it is "default"
set -eu
export SQL_PLUGIN=postgres12

tables() { # DATABASE SCHEMA
  export SQL_DATABASE="$1"
  temporal-sql-tool create-database
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-name "$2"
}

namespace() {
  name=${TEMPORAL_NAMESPACE:-default}
  within_a_minute temporal operator cluster health
  temporal operator namespace describe --namespace "$name" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$name" --retention 90d
  # A new namespace takes some seconds to be known to all of the server.
  within_a_minute temporal operator search-attribute list --namespace "$name"
  search_attribute CampaignPhase Keyword
  search_attribute WaitsFor Keyword
}

within_a_minute() { # COMMAND…
  for attempt in $(seq 60); do
    "$@" >/dev/null 2>&1 && return
    sleep 1
  done
  "$@"
}

search_attribute() { # NAME TYPE
  temporal operator search-attribute list --namespace "$name" | grep -qw "$1" ||
    temporal operator search-attribute create --namespace "$name" --name "$1" --type "$2"
}

case "${1-}" in
  tables)
    tables temporal postgresql/v12/temporal
    tables temporal_visibility postgresql/v12/visibility
    ;;
  namespace) namespace ;;
  *)
    echo "usage: prepareTemporal.sh tables|namespace" >&2
    exit 2
    ;;
esac
