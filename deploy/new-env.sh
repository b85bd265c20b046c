#!/bin/sh
# Print a settings file with fresh secrets where the example has none:  deploy/new-env.sh EXAMPLE > FILE
set -eu
[ $# -eq 1 ] && [ -r "$1" ] || { echo "usage: $0 EXAMPLE > FILE    (an env.example of this folder)" >&2; exit 2; }
while IFS= read -r line; do
    case $line in
        MALL_PAYMENT_WEBHOOK_SECRETS=) prefix=whsec_ ;;
        [A-Z]*=) prefix= ;;
        *) printf '%s\n' "$line"; continue ;;
    esac
    printf '%s%s%s\n' "$line" "$prefix" "$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')"
done < "$1"
