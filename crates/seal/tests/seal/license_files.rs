//! What a product accepts, and the one reason for which it refuses.

use expect_test::expect;
use seal::{Assignment, Certificate, CheckedOut, Expectation, Flaw, LicenseClaims, verify};

use crate::fixtures::{
    INSTALLATION, KEY, OTHER_KEY, OTHER_ROOT, ROOT, at, certificate, certificate_claims, certificate_of, decode,
    expectation, forge, header, key, license_claims, license_file, now, outcome, public, segments, verified,
};

/// The code under which a file with changed claims is refused; it is signed without the check of the claims.
fn outcome_of_claims(change: impl FnOnce(&mut LicenseClaims)) -> &'static str {
    let mut claims = license_claims();
    change(&mut claims);
    let composed = claims.compose(&key(KEY), &certificate()).map_or_else(|flaw| flaw.code(), |_| "accepted");
    let json = serde_json::to_string(&claims).unwrap();
    let license = forge(&header("perennial-license+jws", KEY), &json, KEY);
    let file = format!("{license}\n{}\n", certificate().text());
    let outcome = outcome(&file, |_| {});
    assert_eq!(composed, outcome, "the vendor issues what no product accepts, or the other way round");
    outcome
}

#[test]
fn a_license_file_gives_back_what_the_vendor_signed() {
    let verified = verified(&license_file()).unwrap();

    assert_eq!(verified.claims, license_claims());
    assert_eq!(verified.kid, key(KEY).kid());
    assert_eq!(verified.revoked, Vec::<String>::new());
    assert_eq!(verified.latest_seen, now());
    assert!(!verified.is_refresh_due);
}

#[test]
fn a_license_file_is_two_lines_with_integer_seconds() {
    let file = license_file();
    let lines: Vec<&str> = file.lines().collect();
    let claims = lines.iter().map(|line| decode(segments(line)[1]));

    expect![[r#"
        {"v":1,"iss":"https://vendor.example","aud":"ins_01jz0000000000000000000001","sub":"acc_01jz0000000000000000000001","jti":"lfl_01jz0000000000000000000001","seq":7,"iat":1751270400,"nbf":1751270100,"exp":1753862400,"refresh_after":1752566400,"grants":[{"license_id":"lic_1","kind":"dr","source":"purchase","total":3,"status":"valid","activated_at":1751271569,"expires_at":1759220369,"ends_at":1759825169},{"license_id":"lic_2","kind":"failback","source":"purchase","total":2,"status":"valid","activated_at":1751271569,"expires_at":1759220369,"ends_at":1759825169}],"assignments":[{"host":"web-1","license_id":"lic_1","unit":1,"assigned_at":1751274000},{"host":"web-2","license_id":"lic_1","unit":2,"assigned_at":1751274000}],"checked_out":[{"license_id":"lic_2","unit":1}]}
        {"v":1,"iss":"https://vendor.example","sub":"aVBtapLd11SUVKIMGJfPzOEDuN0sXcmzJQNVT-_sKEU","jwk":{"kty":"OKP","crv":"Ed25519","x":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q","kid":"aVBtapLd11SUVKIMGJfPzOEDuN0sXcmzJQNVT-_sKEU","alg":"EdDSA","use":"sig"},"iat":1735689600,"nbf":1735689600,"exp":1767225600,"revoked":[]}"#]]
    .assert_eq(&claims.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_file_of_a_foreign_root_is_refused() {
    let file = license_claims()
        .compose(
            &key(KEY),
            &Certificate::verify(&certificate_claims(KEY).sign(&key(OTHER_ROOT)), &public(OTHER_ROOT)).unwrap(),
        )
        .unwrap();

    assert_eq!(verified(&file).unwrap_err(), Flaw::ForeignRoot);
}

#[test]
fn a_certificate_that_only_names_the_root_is_refused() {
    let claims = serde_json::to_string(&certificate_claims(OTHER_KEY)).unwrap();
    let header = header("perennial-certificate+jws", ROOT);
    let license = license_file().lines().next().unwrap().to_owned();
    let forged = forge(&header, &claims, OTHER_ROOT);

    assert_eq!(outcome(&format!("{license}\n{forged}\n"), |_| {}), "certificate_signature_invalid");
}

#[test]
fn a_license_of_another_key_than_the_certified_one_is_refused() {
    let other = license_claims().compose(&key(OTHER_KEY), &certificate_of(&certificate_claims(OTHER_KEY))).unwrap();
    let license = other.lines().next().unwrap();

    assert_eq!(outcome(&format!("{license}\n{}\n", certificate().text()), |_| {}), "key_mismatch");
}

#[test]
fn a_license_that_only_names_the_certified_key_is_refused() {
    let claims = serde_json::to_string(&license_claims()).unwrap();
    let header = header("perennial-license+jws", KEY);
    let forged = forge(&header, &claims, OTHER_KEY);

    assert_eq!(outcome(&format!("{forged}\n{}\n", certificate().text()), |_| {}), "license_signature_invalid");
}

#[test]
fn a_newer_certificate_of_the_same_key_may_replace_the_one_in_the_file() {
    let mut newer = certificate_claims(KEY);
    newer.iat = at("2025-07-01T00:00:00Z");
    newer.exp = at("2027-01-01T00:00:00Z");
    let license = license_file().lines().next().unwrap().to_owned();

    assert_eq!(outcome(&format!("{license}\n{}\n", certificate_of(&newer).text()), |_| {}), "accepted");
}

#[test]
fn a_key_that_its_certificate_revokes_is_refused() {
    let mut claims = certificate_claims(KEY);
    claims.revoked = vec![claims.sub.clone()];
    let file = license_claims().compose(&key(KEY), &certificate_of(&claims)).unwrap();

    assert_eq!(outcome(&file, |_| {}), "key_revoked");
}

#[test]
fn a_key_of_which_the_product_learned_earlier_that_it_is_revoked_is_refused() {
    let revoked = vec![key(KEY).kid().to_owned()];
    let root = public(ROOT);
    let learned = Expectation { revoked: &revoked, ..expectation(&root) };

    assert_eq!(verify(&license_file(), &learned).unwrap_err(), Flaw::KeyRevoked { kid: revoked[0].clone() });
}

#[test]
fn what_a_product_learns_of_revoked_keys_adds_up() {
    let mut claims = certificate_claims(KEY);
    claims.revoked = vec!["c".to_owned(), "a".to_owned()];
    let file = license_claims().compose(&key(KEY), &certificate_of(&claims)).unwrap();
    let before = vec!["b".to_owned(), "a".to_owned()];
    let root = public(ROOT);

    let verified = verify(&file, &Expectation { revoked: &before, ..expectation(&root) }).unwrap();

    assert_eq!(verified.revoked, ["a", "b", "c"]);
}

#[test]
fn an_outdated_key_is_refused_from_the_second_on_at_which_its_certificate_ends() {
    let mut claims = certificate_claims(KEY);
    claims.exp = at("2025-07-10T00:00:00Z");
    let file = license_claims().compose(&key(KEY), &certificate_of(&claims)).unwrap();

    assert_eq!(outcome(&file, |product| product.now = at("2025-07-09T23:59:59Z")), "accepted");
    assert_eq!(outcome(&file, |product| product.now = at("2025-07-10T00:00:00Z")), "key_expired");
}

#[test]
fn a_key_is_refused_before_its_certificate_holds() {
    let mut claims = certificate_claims(KEY);
    claims.nbf = at("2025-07-10T00:00:00Z");
    let file = license_claims().compose(&key(KEY), &certificate_of(&claims)).unwrap();

    assert_eq!(outcome(&file, |product| product.now = at("2025-07-09T23:59:59Z")), "key_not_yet_valid");
    assert_eq!(outcome(&file, |product| product.now = at("2025-07-10T00:00:00Z")), "accepted");
}

#[test]
fn a_file_holds_from_its_first_second_to_the_one_before_its_end() {
    let file = license_file();

    assert_eq!(outcome(&file, |product| product.now = at("2025-06-30T07:54:59Z")), "not_yet_valid");
    assert_eq!(outcome(&file, |product| product.now = at("2025-06-30T07:55:00Z")), "accepted");
    assert_eq!(outcome(&file, |product| product.now = at("2025-07-30T07:59:59Z")), "accepted");
    assert_eq!(outcome(&file, |product| product.now = at("2025-07-30T08:00:00Z")), "expired");
}

#[test]
fn a_file_for_another_installation_is_refused() {
    let found = Flaw::WrongAudience { audience: INSTALLATION.to_owned() };
    let root = public(ROOT);
    let other = Expectation { audience: Some("ins_2"), ..expectation(&root) };

    assert_eq!(verify(&license_file(), &other).unwrap_err(), found);
    assert_eq!(outcome(&license_file(), |product| product.audience = None), "accepted");
}

#[test]
fn a_file_of_another_vendor_is_refused() {
    assert_eq!(outcome(&license_file(), |product| product.issuer = Some("https://other.example")), "wrong_issuer");
    assert_eq!(outcome(&license_file(), |product| product.issuer = None), "accepted");
}

#[test]
fn an_older_file_is_refused_and_the_same_file_may_come_again() {
    assert_eq!(outcome(&license_file(), |product| product.highest_seq = Some(6)), "accepted");
    assert_eq!(outcome(&license_file(), |product| product.highest_seq = Some(7)), "accepted");
    assert_eq!(outcome(&license_file(), |product| product.highest_seq = Some(8)), "older_sequence");
}

#[test]
fn a_clock_that_was_set_back_is_refused() {
    assert_eq!(outcome(&license_file(), |product| product.latest_seen = Some(now())), "accepted");
    assert_eq!(outcome(&license_file(), |product| product.latest_seen = Some(now().plus_seconds(1))), "clock_set_back");
}

#[test]
fn a_clock_that_was_set_back_is_named_before_what_would_follow_from_it() {
    let set_back = |product: &mut Expectation<'_>| {
        product.now = at("2024-01-01T00:00:00Z");
        product.latest_seen = Some(now());
    };

    assert_eq!(outcome(&license_file(), set_back), "clock_set_back");
}

#[test]
fn the_time_to_remember_is_that_of_the_verification() {
    let root = public(ROOT);
    let later = Expectation { now: at("2025-07-20T00:00:00Z"), latest_seen: Some(now()), ..expectation(&root) };

    let verified = verify(&license_file(), &later).unwrap();

    assert_eq!(verified.latest_seen, at("2025-07-20T00:00:00Z"));
}

#[test]
fn a_file_says_from_when_on_a_new_one_is_to_be_asked_for() {
    let root = public(ROOT);
    let is_refresh_due = |now: &str| {
        let product = Expectation { now: at(now), ..expectation(&root) };
        verify(&license_file(), &product).unwrap().is_refresh_due
    };

    assert!(!is_refresh_due("2025-07-15T07:59:59Z"));
    assert!(is_refresh_due("2025-07-15T08:00:00Z"));
}

#[test]
fn a_file_that_is_not_exactly_two_lines_is_refused() {
    let file = license_file();
    let [license, certificate] = file.lines().collect::<Vec<_>>().try_into().unwrap();

    for text in [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        license.to_owned(),
        format!("{license}\n"),
        format!("{license}\n{certificate}"),
        format!("{license}\n{certificate}\n\n"),
        format!("{license}\n{certificate}\n{license}\n"),
        format!("{license}\n{license}\n{certificate}\n"),
        format!("\n{license}\n{certificate}\n"),
        format!("{license}\n\n{certificate}\n"),
        format!("{license}\r\n{certificate}\r\n"),
        format!("{license}\r{certificate}\r"),
        format!("{license}\n{certificate}\n."),
        format!("{license}\n{certificate}\n\0"),
    ] {
        let code = outcome(&text, |_| {});
        assert!(["malformed_file", "malformed_license"].contains(&code), "{code}: {text:?}");
        assert!(code == "malformed_file" || text == "\n\n", "{code}: {text:?}");
    }
}

#[test]
fn trailing_and_leading_text_in_a_line_is_refused() {
    let file = license_file();
    let [license, certificate] = file.lines().collect::<Vec<_>>().try_into().unwrap();

    for extra in [" ", "\t", "=", ".", ".e30", "A", "\0", "\u{feff}"] {
        assert_ne!(outcome(&format!("{license}{extra}\n{certificate}\n"), |_| {}), "accepted", "{extra:?}");
        assert_ne!(outcome(&format!("{license}\n{certificate}{extra}\n"), |_| {}), "accepted", "{extra:?}");
        assert_ne!(outcome(&format!("{extra}{license}\n{certificate}\n"), |_| {}), "accepted", "{extra:?}");
        assert_ne!(outcome(&format!("{license}\n{extra}{certificate}\n"), |_| {}), "accepted", "{extra:?}");
    }
}

#[test]
fn swapped_lines_are_refused() {
    let file = license_file();
    let [license, certificate] = file.lines().collect::<Vec<_>>().try_into().unwrap();

    assert_eq!(outcome(&format!("{certificate}\n{license}\n"), |_| {}), "wrong_type");
    assert_eq!(outcome(&format!("{certificate}\n{certificate}\n"), |_| {}), "wrong_type");
    assert_eq!(outcome(&format!("{license}\n{license}\n"), |_| {}), "wrong_type");
}

#[test]
fn claims_that_contradict_each_other_are_neither_issued_nor_accepted() {
    assert_eq!(outcome_of_claims(|_| {}), "accepted");
    assert_eq!(outcome_of_claims(|claims| claims.iss = "https://other.example".to_owned()), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.exp = claims.nbf), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.nbf = claims.exp), "inconsistent");
    assert_eq!(
        outcome_of_claims(|claims| (claims.exp, claims.refresh_after) = (claims.iat, claims.iat)),
        "inconsistent"
    );
    assert_eq!(outcome_of_claims(|claims| claims.refresh_after = claims.exp.plus_seconds(1)), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.refresh_after = claims.iat.plus_seconds(-1)), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.grants.push(claims.grants[0].clone())), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].host = "web-1".to_owned()), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].unit = 1), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].unit = 0), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].unit = 3), "accepted");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].unit = 4), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.assignments[1].license_id = "lic_9".to_owned()), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.checked_out[0].license_id = "lic_9".to_owned()), "inconsistent");
    assert_eq!(outcome_of_claims(|claims| claims.checked_out.push(claims.checked_out[0].clone())), "inconsistent");
}

#[test]
fn a_unit_cannot_protect_a_host_and_be_checked_out() {
    let outcome = outcome_of_claims(|claims| {
        let Assignment { license_id, unit, .. } = claims.assignments[0].clone();
        claims.checked_out.push(CheckedOut { license_id, unit });
    });

    assert_eq!(outcome, "inconsistent");
}

#[test]
fn a_license_is_not_composed_with_the_certificate_of_another_key() {
    let other = certificate_of(&certificate_claims(OTHER_KEY));

    assert_eq!(license_claims().compose(&key(KEY), &other).unwrap_err(), Flaw::KeyMismatch);
}

#[test]
fn every_flaw_says_what_is_wrong_in_a_lower_case_clause() {
    let seen = Flaw::OlderSequence { seq: 6, highest: 7 };
    let clock = Flaw::ClockSetBack { now: now(), latest_seen: at("2025-07-02T00:00:00Z") };

    expect!["the license file is number 6, and number 7 was seen before"].assert_eq(&seen.to_string());
    expect!["the clock shows 2025-07-01T00:00:00Z, and 2025-07-02T00:00:00Z was seen before"]
        .assert_eq(&clock.to_string());
}
