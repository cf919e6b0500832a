// Verifies a license file: go run verify.go FILE ROOT
// Needs Go 1.18 or newer, nothing else.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

type certificate struct {
	Sub      string
	Jwk      struct{ X string }
	Nbf, Exp int64
	Revoked  []string
}

type license struct{ Nbf, Exp int64 }

var errMalformed = errors.New("malformed_file")

func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errMalformed
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errMalformed
	}
	return data, nil
}

// open gives the claims of the line if it is signed with the key.
func open(line, typ, key, name, kid string) ([]byte, error) {
	parts := strings.Split(line, ".")
	if len(parts) != 3 {
		return nil, errMalformed
	}
	header, err1 := decode(parts[0])
	claims, err2 := decode(parts[1])
	signature, err3 := decode(parts[2])
	public, err4 := decode(key)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || len(public) != ed25519.PublicKeySize {
		return nil, errMalformed
	}
	start := `{"alg":"EdDSA","typ":"` + typ + `","kid":"`
	if !strings.HasPrefix(string(header), start) {
		return nil, errors.New("wrong_type")
	}
	if kid != "" && string(header) != start+kid+`"}` {
		return nil, errors.New("key_mismatch")
	}
	if !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, errors.New(name + "_signature_invalid")
	}
	return claims, nil
}

func verify(text, root string, now int64) ([]byte, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || lines[2] != "" {
		return nil, errMalformed
	}
	root = strings.TrimPrefix(root, "perennial-root-ed25519:")
	certified, err := open(lines[1], "perennial-certificate+jws", root, "certificate", "")
	if err != nil {
		return nil, err
	}
	var c certificate
	if json.Unmarshal(certified, &c) != nil {
		return nil, errMalformed
	}
	claims, err := open(lines[0], "perennial-license+jws", c.Jwk.X, "license", c.Sub)
	if err != nil {
		return nil, err
	}
	var l license
	if json.Unmarshal(claims, &l) != nil {
		return nil, errMalformed
	}
	for _, kid := range c.Revoked {
		if kid == c.Sub {
			return nil, errors.New("key_revoked")
		}
	}
	switch {
	case now < c.Nbf:
		return nil, errors.New("key_not_yet_valid")
	case now >= c.Exp:
		return nil, errors.New("key_expired")
	case now < l.Nbf:
		return nil, errors.New("not_yet_valid")
	case now >= l.Exp:
		return nil, errors.New("expired")
	}
	return claims, nil
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		text, err = verify(string(text), os.Args[2], time.Now().Unix())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	fmt.Println(string(text))
}
