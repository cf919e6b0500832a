//! The form that all documents share: nothing that JWS leaves open is open here.

use seal::{Certificate, Flaw, Kind};

use crate::fixtures::{
    KEY, OTHER_KEY, ROOT, certificate, certificate_claims, encode, forge, header, key, license_claims, license_file,
    outcome, public, segments,
};

/// What becomes of a license with this header, signed with the certified key.
fn outcome_of_header(header: &str) -> &'static str {
    outcome_of_license(header, &serde_json::to_string(&license_claims()).unwrap())
}

/// What becomes of a license with these claims, signed with the certified key.
fn outcome_of_claims(claims: &str) -> &'static str {
    outcome_of_license(&header(Kind::License.typ(), KEY), claims)
}

fn outcome_of_license(header: &str, claims: &str) -> &'static str {
    let license = forge(header, claims, KEY);
    outcome(&format!("{license}\n{}\n", certificate().text()), |_| {})
}

#[test]
fn what_the_tests_forge_is_what_the_vendor_signs() {
    let claims = serde_json::to_string(&license_claims()).unwrap();
    let forged = forge(&header(Kind::License.typ(), KEY), &claims, KEY);

    assert_eq!(format!("{forged}\n{}\n", certificate().text()), license_file());
}

#[test]
fn no_other_algorithm_is_accepted() {
    let kid = key(KEY).kid().to_owned();
    let typ = Kind::License.typ();

    for alg in ["none", "None", "HS256", "RS256", "ES256", "Ed25519", "eddsa", ""] {
        let header = format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#);
        assert_eq!(outcome_of_header(&header), "unsupported_algorithm", "{alg}");
    }
    assert_eq!(outcome_of_header(r#"{"alg":null}"#), "unsupported_algorithm");
    assert_eq!(outcome_of_header("{}"), "malformed_license");
}

#[test]
fn a_document_without_a_signature_is_refused() {
    let file = license_file();
    let [license, certificate] = file.lines().collect::<Vec<_>>().try_into().unwrap();
    let [_, claims, _] = segments(license);
    let none = encode(r#"{"alg":"none"}"#);

    assert_eq!(outcome(&format!("{none}.{claims}.\n{certificate}\n"), |_| {}), "unsupported_algorithm");
    assert_eq!(outcome(&format!("{none}.{claims}\n{certificate}\n"), |_| {}), "malformed_license");
}

#[test]
fn a_document_of_each_other_kind_is_no_license() {
    for kind in [Kind::Certificate, Kind::Statement, Kind::Code, Kind::Receipt] {
        assert_eq!(outcome_of_header(&header(kind.typ(), KEY)), "wrong_type", "{kind:?}");
    }
    assert_eq!(outcome_of_header(&header("JWT", KEY)), "wrong_type");
}

#[test]
fn a_document_of_each_other_kind_is_no_certificate() {
    let claims = serde_json::to_string(&certificate_claims(KEY)).unwrap();

    for kind in [Kind::License, Kind::Statement, Kind::Code, Kind::Receipt] {
        let text = forge(&header(kind.typ(), ROOT), &claims, ROOT);
        assert_eq!(Certificate::verify(&text, &public(ROOT)).unwrap_err(), Flaw::WrongType, "{kind:?}");
    }
}

#[test]
fn a_header_with_anything_more_is_refused() {
    let plain = header(Kind::License.typ(), KEY);
    let with = |member: &str| plain.replace('}', &format!(",{member}}}"));

    assert_eq!(outcome_of_header(&plain), "accepted");
    for member in [
        r#""crit":["exp"]"#,
        r#""jwk":{"kty":"OKP"}"#,
        r#""jku":"https://evil.example""#,
        r#""x5c":[]"#,
        r#""b64":false"#,
        r#""cty":"json""#,
        r#""alg":"EdDSA""#,
    ] {
        assert_eq!(outcome_of_header(&with(member)), "malformed_license", "{member}");
    }
}

#[test]
fn a_header_that_is_written_in_another_way_is_refused() {
    let kid = key(KEY).kid().to_owned();
    let typ = Kind::License.typ();

    for header in [
        format!(r#"{{"typ":"{typ}","alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{ "alg":"EdDSA","typ":"{typ}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{kid}"}} "#),
        format!(r#"{{"\u0061lg":"EdDSA","typ":"{typ}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":["{kid}"]}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{typ}"}}"#),
        format!(r#"["EdDSA","{typ}","{kid}"]"#),
        "not JSON".to_owned(),
        String::new(),
    ] {
        assert_eq!(outcome_of_header(&header), "malformed_license", "{header}");
    }
}

#[test]
fn claims_that_are_signed_but_not_those_of_the_kind_are_refused() {
    let claims = serde_json::to_string(&license_claims()).unwrap();
    let with = |from: &str, to: &str| outcome_of_claims(&claims.replacen(from, to, 1));

    assert_eq!(with("", ""), "accepted");
    assert_eq!(with(r#""seq":7"#, r#""seq":7,"more":1"#), "malformed_license");
    assert_eq!(with(r#""seq":7"#, r#""seq":7,"seq":7"#), "malformed_license");
    assert_eq!(with(r#""seq":7"#, r#""seq":7.0"#), "malformed_license");
    assert_eq!(with(r#""seq":7"#, r#""seq":-7"#), "malformed_license");
    assert_eq!(with(r#""seq":7"#, r#""seq":"7""#), "malformed_license");
    assert_eq!(with(r#""seq":7,"#, ""), "malformed_license");
    assert_eq!(with(r#""unit":1"#, r#""unit":1,"more":1"#), "malformed_license");
    assert_eq!(with(r#""exp":1753862400"#, r#""exp":"2025-07-30T08:00:00Z""#), "malformed_license");
    assert_eq!(with(r#""exp":1753862400"#, r#""exp":99999999999"#), "malformed_license");
    assert_eq!(outcome_of_claims(&format!("{claims}x")), "malformed_license");
    assert_eq!(outcome_of_claims("[]"), "malformed_license");
    assert_eq!(outcome_of_claims(""), "malformed_license");
}

#[test]
fn a_later_version_is_named_as_such_whatever_else_it_brings() {
    assert_eq!(outcome_of_claims(r#"{"v":2,"anything":"else"}"#), "unsupported_version");
    assert_eq!(outcome_of_claims(r#"{"v":0}"#), "unsupported_version");
    assert_eq!(outcome_of_claims(r#"{"anything":"else"}"#), "malformed_license");
}

#[test]
fn claims_are_not_read_before_the_signature_holds() {
    let file = license_file();
    let [license, certificate] = file.lines().collect::<Vec<_>>().try_into().unwrap();
    let [header, _, signature] = segments(license);
    let later = encode(r#"{"v":2}"#);

    let outcome = outcome(&format!("{header}.{later}.{signature}\n{certificate}\n"), |_| {});

    assert_eq!(outcome, "license_signature_invalid");
}

#[test]
fn a_certificate_that_contradicts_itself_is_refused() {
    let other = certificate_claims(OTHER_KEY);
    let mut another_sub = certificate_claims(KEY);
    another_sub.sub = other.sub;
    let mut never_valid = certificate_claims(KEY);
    never_valid.exp = never_valid.nbf;

    for claims in [another_sub, never_valid] {
        let flaw = Certificate::verify(&claims.sign(&key(ROOT)), &public(ROOT)).unwrap_err();
        assert_eq!(flaw.code(), "inconsistent");
    }
}

#[test]
fn a_certificate_with_a_key_that_is_none_is_refused() {
    let claims = serde_json::to_string(&certificate_claims(KEY)).unwrap();
    let x = encode(public(KEY).as_bytes());
    let with = |from: &str, to: &str| {
        let text = forge(&header(Kind::Certificate.typ(), ROOT), &claims.replace(from, to), ROOT);
        Certificate::verify(&text, &public(ROOT)).map_or_else(|flaw| flaw.code(), |_| "accepted")
    };

    assert_eq!(with("", ""), "accepted");
    assert_eq!(with(&x, &encode([0; 32])), "malformed_certificate");
    assert_eq!(with(&x, &encode(public(ROOT).as_bytes())), "malformed_certificate");
    assert_eq!(with(&x, "AAAA"), "malformed_certificate");
    assert_eq!(with(r#""OKP""#, r#""EC""#), "malformed_certificate");
    assert_eq!(with(r#""Ed25519""#, r#""X25519""#), "malformed_certificate");
    assert_eq!(with(r#""alg":"EdDSA""#, r#""alg":"ES256""#), "malformed_certificate");
    assert_eq!(with(r#""use":"sig""#, r#""use":"enc""#), "malformed_certificate");
    assert_eq!(with(r#""use":"sig""#, r#""use":"sig","d":"AAAA""#), "malformed_certificate");
}

#[test]
fn codes_are_distinct_and_in_snake_case() {
    let mut codes = Flaw::CODES.to_vec();
    codes.sort_unstable();
    codes.dedup();

    assert_eq!(codes.len(), Flaw::CODES.len());
    assert!(codes.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
}
