#!/bin/sh
# Starts the program in the same folder. Some hosts unpack bundles without execute permissions.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
program=$here/managed-sessions-mcp
[ -x "$program" ] || chmod +x "$program"
exec "$program" "$@"
