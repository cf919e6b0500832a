#!/bin/sh
# Verifies a license file: sh verify.sh FILE ROOT
# Needs OpenSSL 3 and base64.
set -eu

refuse() { echo "refused: $1" >&2; exit 1; }

encode() { base64 | tr -d '\n=' | tr '/+' '_-'; }

decode() {
    text=$1
    while [ $((${#text} % 4)) -ne 0 ]; do text="$text="; done
    printf %s "$text" | tr '_-' '/+' | base64 -d
}

# open LINE TYPE KEY NAME [KID]: prints the claims of the line if it is signed with the key.
open() {
    signed=${1%.*} signature=${1##*.}
    header=$(decode "${signed%%.*}") claims=${signed#*.}
    start='{"alg":"EdDSA","typ":"'$2'","kid":"'
    case $header in "$start"*) ;; *) refuse wrong_type ;; esac
    [ -z "${5-}" ] || [ "$header" = "$start$5\"}" ] || refuse key_mismatch

    printf %s "$signed" >"$dir/signed"
    decode "$signature" >"$dir/signature"
    [ "$(encode <"$dir/signature")" = "$signature" ] || refuse malformed_file
    { printf '\060\052\060\005\006\003\053\145\160\003\041\000' && decode "$3"; } >"$dir/key.der"
    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$dir/key.der" \
        -in "$dir/signed" -sigfile "$dir/signature" >"$dir/said" 2>&1 || refuse "$4_signature_invalid"
    decode "$claims"
}

# claim CLAIMS NAME: a number, a text or a list.
claim() { printf %s "$1" | sed -n "s/.*\"$2\":\(\"[^\"]*\"\|\[[^]]*\]\|[0-9]*\).*/\1/p" | sed 's/^"\(.*\)"$/\1/'; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{ IFS= read -r license && IFS= read -r certificate; } <"$1" || refuse malformed_file
printf '%s\n%s\n' "$license" "$certificate" | cmp -s - "$1" || refuse malformed_file
case $license$certificate in *[!A-Za-z0-9_.-]*) refuse malformed_file ;; esac

certified=$(open "$certificate" perennial-certificate+jws "${2#perennial-root-ed25519:}" certificate)
kid=$(claim "$certified" sub)
claims=$(open "$license" perennial-license+jws "$(claim "$certified" x)" license "$kid")

now=$(date +%s)
case $(claim "$certified" revoked) in *"\"$kid\""*) refuse key_revoked ;; esac
[ "$now" -ge "$(claim "$certified" nbf)" ] || refuse key_not_yet_valid
[ "$now" -lt "$(claim "$certified" exp)" ] || refuse key_expired
[ "$now" -ge "$(claim "$claims" nbf)" ] || refuse not_yet_valid
[ "$now" -lt "$(claim "$claims" exp)" ] || refuse expired
printf '%s\n' "$claims"
