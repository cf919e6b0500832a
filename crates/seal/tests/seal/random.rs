//! Random claims come back as they were; random texts are refused and never cause a panic.

use domain::time::Instant;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use seal::{Assignment, Certificate, Grant, LicenseClaims, PublicKey, verify, verify_code, verify_receipt};

use crate::fixtures::{
    KEY, ROOT, certificate, encode, expectation, key, license_claims, license_file, now, outcome, public,
};

/// Claims of a file that is valid now, with any texts and any licenses with one assigned unit each.
fn claims() -> impl Strategy<Value = LicenseClaims> {
    let grant = ("\\PC{0,12}", any::<u32>(), 0_i64..10_000_000_000);
    let grants = vec(grant, 0..8);
    (btree_set("\\PC{1,20}", 8), grants, any::<u64>(), "\\PC{0,20}").prop_map(|(names, grants, seq, jti)| {
        let mut claims = license_claims();
        (claims.seq, claims.jti) = (seq, jti);
        let named: Vec<_> = names.into_iter().zip(grants).collect();
        claims.grants = named.iter().map(|(name, (kind, total, at))| random_grant(name, kind, *total, *at)).collect();
        let usable = claims.grants.iter().filter(|grant| grant.total > 0);
        claims.assignments = usable.map(last_unit).collect();
        claims.checked_out = Vec::new();
        claims
    })
}

fn random_grant(license_id: &str, kind: &str, total: u32, seconds: i64) -> Grant {
    let at = Instant::from_seconds(seconds).unwrap();
    Grant {
        license_id: license_id.to_owned(),
        kind: kind.to_owned(),
        source: "grant".to_owned(),
        total,
        status: "valid".to_owned(),
        activated_at: at,
        expires_at: at,
        ends_at: at,
    }
}

fn last_unit(grant: &Grant) -> Assignment {
    Assignment {
        host: format!("host of {}", grant.license_id),
        license_id: grant.license_id.clone(),
        unit: grant.total,
        assigned_at: grant.activated_at,
    }
}

proptest! {
    #[test]
    fn any_claims_come_back_as_they_were_signed(claims in claims()) {
        let text = claims.compose(&key(KEY), &certificate()).unwrap();

        let root = public(ROOT);
        prop_assert_eq!(verify(&text, &expectation(&root)).unwrap().claims, claims);
    }

    #[test]
    fn any_text_is_refused(text in "[A-Za-z0-9_.\n-]{0,200}|\\PC{0,100}") {
        prop_assert_ne!(outcome(&text, |_| {}), "accepted");
        prop_assert!(Certificate::verify(&text, &public(ROOT)).is_err());
        prop_assert!(verify_code(&text, &[public(ROOT)], now()).is_err());
        prop_assert!(verify_receipt(&text, &public(ROOT)).is_err());
        prop_assert!(text.parse::<PublicKey>().is_err());
        prop_assert!(text.parse::<seal::LockedKey>().is_err());
    }

    #[test]
    fn two_exchanged_characters_are_refused(a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let file = license_file();
        let mut changed: Vec<char> = file.chars().collect();
        let (a, b) = (a.index(changed.len()), b.index(changed.len()));
        changed.swap(a, b);
        let changed: String = changed.into_iter().collect();

        prop_assert_eq!(outcome(&changed, |_| {}) == "accepted", changed == file);
    }

    #[test]
    fn any_bytes_of_a_signature_are_refused(bytes in vec(any::<u8>(), 64)) {
        let file = license_file();
        let (license, certificate) = file.split_once('\n').unwrap();
        let (signed, _) = license.rsplit_once('.').unwrap();
        let changed = format!("{signed}.{}\n{certificate}", encode(bytes));

        prop_assert_eq!(outcome(&changed, |_| {}), "license_signature_invalid");
    }
}
