#!/bin/sh
[ "${1#-}" = "$1" ] || set -- nats-server "$@"
exec "$@"
