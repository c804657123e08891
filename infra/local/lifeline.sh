#!/bin/sh
# Ends a process, or with a minus sign before its number a whole group, once the process that holds our standard input is
# gone. However it went, `kill -9` included: the kernel closes a dead process's pipes, and nobody else holds this one.
#
#   sh infra/local/lifeline.sh TARGET
#
# Who no longer needs us kills us.

GRACE_SECONDS=5

read -r _
kill -s TERM -- "$1" 2>/dev/null || exit 0
while [ "$GRACE_SECONDS" -gt 0 ] && kill -s 0 -- "$1" 2>/dev/null; do
  sleep 1
  GRACE_SECONDS=$((GRACE_SECONDS - 1))
done
kill -s KILL -- "$1" 2>/dev/null
