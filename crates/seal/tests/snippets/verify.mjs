// Verifies a license file: node verify.mjs FILE ROOT
// Needs Node.js 16 or newer, nothing else.
import { createPublicKey, verify as signatureHolds } from "node:crypto";
import { readFileSync } from "node:fs";

class Refused extends Error {}

function decode(text) {
  const data = Buffer.from(text, "base64url");
  if (data.toString("base64url") !== text) throw new Refused("malformed_file");
  return data;
}

// The claims of the line if it is signed with the key.
function open(line, typ, x, name, kid) {
  const parts = line.split(".");
  if (parts.length !== 3) throw new Refused("malformed_file");
  const [header, claims, signature] = parts.map(decode);
  const start = `{"alg":"EdDSA","typ":"${typ}","kid":"`;
  if (!header.toString().startsWith(start)) throw new Refused("wrong_type");
  if (kid !== undefined && header.toString() !== `${start}${kid}"}`) throw new Refused("key_mismatch");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.from(line.slice(0, line.lastIndexOf(".")));
  if (!signatureHolds(null, signed, key, signature)) throw new Refused(`${name}_signature_invalid`);
  return JSON.parse(claims.toString());
}

function verify(text, root, now) {
  const lines = text.split("\n");
  if (lines.length !== 3 || lines[2] !== "") throw new Refused("malformed_file");
  const x = root.replace("perennial-root-ed25519:", "");
  const certificate = open(lines[1], "perennial-certificate+jws", x, "certificate");
  const kid = certificate.sub;
  const claims = open(lines[0], "perennial-license+jws", certificate.jwk.x, "license", kid);
  if (certificate.revoked.includes(kid)) throw new Refused("key_revoked");
  if (now < certificate.nbf) throw new Refused("key_not_yet_valid");
  if (now >= certificate.exp) throw new Refused("key_expired");
  if (now < claims.nbf) throw new Refused("not_yet_valid");
  if (now >= claims.exp) throw new Refused("expired");
  return claims;
}

try {
  const [file, root] = process.argv.slice(2);
  console.log(JSON.stringify(verify(readFileSync(file, "utf8"), root, Date.now() / 1000)));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`refused: ${error.message}`);
  process.exitCode = 1;
}
