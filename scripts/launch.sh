#!/bin/sh
# Starts the program beside it. Some hosts unpack bundles without the right to execute anything.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
program=$here/managed-sessions-mcp
[ -x "$program" ] || chmod +x "$program"
exec "$program" "$@"
