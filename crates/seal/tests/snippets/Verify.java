// Verifies a license file: java Verify.java FILE ROOT
// Needs Java 15 or newer, nothing else. With a JSON library at hand, read the claims with it.
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.regex.Pattern;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Verify {
    static class Refused extends Exception {
        Refused(String code) { super(code); }
    }

    static byte[] decode(String text) throws Refused {
        try {
            byte[] data = Base64.getUrlDecoder().decode(text);
            if (Base64.getUrlEncoder().withoutPadding().encodeToString(data).equals(text)) return data;
        } catch (IllegalArgumentException e) { /* refused like what is not canonical */ }
        throw new Refused("malformed_file");
    }

    /** What stands before the 32 bytes of an Ed25519 key in its usual form (RFC 8410). */
    static final byte[] DER = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

    static boolean signatureHolds(String key, String signed, byte[] signature) throws Exception {
        var der = new ByteArrayOutputStream();
        der.write(DER);
        der.write(decode(key));
        var verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der.toByteArray())));
        verifier.update(signed.getBytes(UTF_8));
        try {
            return verifier.verify(signature);
        } catch (SignatureException e) {
            return false;
        }
    }

    /** The claims of the line if it is signed with the key. */
    static String open(String line, String typ, String key, String name, String kid) throws Exception {
        String[] parts = line.split("\\.", -1);
        if (parts.length != 3) throw new Refused("malformed_file");
        String header = new String(decode(parts[0]), UTF_8);
        String start = "{\"alg\":\"EdDSA\",\"typ\":\"" + typ + "\",\"kid\":\"";
        if (!header.startsWith(start)) throw new Refused("wrong_type");
        if (kid != null && !header.equals(start + kid + "\"}")) throw new Refused("key_mismatch");
        String signed = parts[0] + "." + parts[1];
        if (!signatureHolds(key, signed, decode(parts[2]))) throw new Refused(name + "_signature_invalid");
        return new String(decode(parts[1]), UTF_8);
    }

    /** A claim: the digits of a number, or what stands between the quotes or brackets. */
    static String claim(String claims, String name) throws Refused {
        var found = Pattern.compile("\"" + name + "\":[\"\\[]?([^\"\\],}]*)").matcher(claims);
        if (!found.find()) throw new Refused("malformed_file");
        return found.group(1);
    }

    static String verify(String text, String root, long now) throws Exception {
        String[] lines = text.split("\n", -1);
        if (lines.length != 3 || !lines[2].isEmpty()) throw new Refused("malformed_file");
        String rootKey = root.replace("perennial-root-ed25519:", "");
        String certificate = open(lines[1], "perennial-certificate+jws", rootKey, "certificate", null);
        String kid = claim(certificate, "sub");
        String claims = open(lines[0], "perennial-license+jws", claim(certificate, "x"), "license", kid);
        String revoked = certificate.substring(certificate.indexOf("\"revoked\":["));
        if (revoked.contains("\"" + kid + "\"")) throw new Refused("key_revoked");
        if (now < Long.parseLong(claim(certificate, "nbf"))) throw new Refused("key_not_yet_valid");
        if (now >= Long.parseLong(claim(certificate, "exp"))) throw new Refused("key_expired");
        if (now < Long.parseLong(claim(claims, "nbf"))) throw new Refused("not_yet_valid");
        if (now >= Long.parseLong(claim(claims, "exp"))) throw new Refused("expired");
        return claims;
    }

    public static void main(String[] args) throws Exception {
        try {
            System.out.println(verify(Files.readString(Path.of(args[0])), args[1], Instant.now().getEpochSecond()));
        } catch (Refused refused) {
            System.err.println("refused: " + refused.getMessage());
            System.exit(1);
        }
    }
}
