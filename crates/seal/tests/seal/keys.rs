//! Keys and their names.

use expect_test::expect;
use seal::{InvalidKey, PrivateKey, PublicKey};

use crate::fixtures::{encode, key, public};

/// The private key of RFC 8037, appendix A.1.
const RFC_8037: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5,
    0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

#[test]
fn a_key_has_the_name_that_the_standard_gives_it() {
    expect![[r#"
        {
          "alg": "EdDSA",
          "crv": "Ed25519",
          "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
          "kty": "OKP",
          "use": "sig",
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&key(RFC_8037).public().jwk()).unwrap());
}

#[test]
fn a_public_key_is_read_back_from_its_text_and_its_jwk() {
    let root = public(RFC_8037);

    assert_eq!(root.to_string(), "perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(root.to_string().parse::<PublicKey>().unwrap(), root);
    assert_eq!(serde_json::from_value::<PublicKey>(root.jwk()).unwrap(), root);
    assert_eq!(PublicKey::from_bytes(root.as_bytes()).unwrap(), root);
}

#[test]
fn a_text_that_is_no_pinned_key_is_refused() {
    for text in [
        "",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "perennial-root-ed25519:",
        "perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
        "perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "perennial-root-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
        "perennial-root-ed448:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    ] {
        assert_eq!(text.parse::<PublicKey>().unwrap_err(), InvalidKey::Malformed, "{text}");
    }
}

#[test]
fn bytes_with_which_anybody_could_sign_are_no_key() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut not_on_the_curve = [0; 32];
    not_on_the_curve[0] = 2;
    // Four, and the field's prime plus four: a second way to write the same point.
    let mut four = [0; 32];
    four[0] = 4;
    let mut second_way = [0xff; 32];
    second_way[0] = 0xf1;
    second_way[31] = 0x7f;

    assert!(PublicKey::from_bytes(&four).is_ok());
    for bytes in [[0; 32], identity, not_on_the_curve, second_way, [0xff; 32]] {
        assert_eq!(PublicKey::from_bytes(&bytes).unwrap_err(), InvalidKey::NotAKey, "{bytes:?}");
    }
}

#[test]
fn debug_never_prints_the_bytes_of_a_private_key() {
    let key = PrivateKey::from_bytes(&RFC_8037);
    let hex: String = RFC_8037.iter().map(|byte| format!("{byte:02x}")).collect();

    let debug = format!("{key:?} {key:#?}");

    assert!(debug.starts_with("PrivateKey(kPrK_qmx"), "{debug}");
    assert!(!debug.contains(&encode(RFC_8037)));
    assert!(!debug.to_lowercase().contains(&hex[..8]));
    assert!(!debug.contains("157, 97") && !debug.contains("157,\n"));
}
