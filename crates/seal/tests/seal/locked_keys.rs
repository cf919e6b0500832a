//! Private keys at rest.

use expect_test::expect;
use seal::{Fresh, LockedKey, Stretch, UnlockError};

use crate::fixtures::{KEY, OTHER_KEY, encode, key};

const SECRET: &[u8] = b"a secret of the operator";
const FRESH: Fresh = Fresh { salt: [5; 16], nonce: [6; 24] };

fn locked() -> LockedKey {
    LockedKey::lock(&key(KEY), SECRET, Stretch::Random, &FRESH)
}

fn unlock(text: &str) -> Result<String, UnlockError> {
    let key = text.parse::<LockedKey>()?.unlock(SECRET)?;
    Ok(key.kid().to_owned())
}

#[test]
fn a_key_opens_with_its_secret() {
    let text = locked().to_string();

    expect![[r#"{"v":1,"x":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q","kdf":"argon2id","memory_kib":64,"passes":1,"lanes":1,"salt":"BQUFBQUFBQUFBQUFBQUFBQ","cipher":"xchacha20poly1305","nonce":"BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYG","locked":"vD1YPBQIWtbfetuz_Ig_15NKITrQC0RvIl83f1o35IKKvJwik1F6Q_bcOXY2ymaZ"}"#]].assert_eq(&text);
    assert_eq!(unlock(&text).unwrap(), key(KEY).kid());
    assert_eq!(locked().public().unwrap(), *key(KEY).public());
}

#[test]
fn a_key_opens_with_its_passphrase() {
    let locked = LockedKey::lock(&key(KEY), SECRET, Stretch::Passphrase, &FRESH);

    assert_eq!(unlock(&locked.to_string()).unwrap(), key(KEY).kid());
    assert_eq!(locked.unlock(b"a passphrase").unwrap_err(), UnlockError::WrongSecret);
}

#[test]
fn a_key_does_not_open_with_another_secret() {
    for secret in
        [b"".as_slice(), b"a secret of the operato", b"a secret of the operator ", b"A secret of the operator"]
    {
        let error = locked().unlock(secret).unwrap_err();
        assert_eq!((error, error.code()), (UnlockError::WrongSecret, "wrong_secret"));
    }
}

#[test]
fn a_key_with_one_damaged_byte_does_not_open() {
    let text = locked().to_string();

    for position in 0..text.len() {
        for replacement in ['A', 'z', '1', '9', '-', '"', ' ', '\\', '}'] {
            let damaged = format!("{}{replacement}{}", &text[..position], &text[position + 1..]);
            assert!(damaged == text || unlock(&damaged).is_err(), "{damaged}");
        }
    }
}

#[test]
fn a_key_that_was_cut_short_does_not_open() {
    let text = locked().to_string();

    for length in 0..text.len() {
        assert_eq!(unlock(&text[..length]).unwrap_err(), UnlockError::WrongSecret);
    }
}

#[test]
fn a_key_whose_public_half_was_exchanged_does_not_open() {
    let (ours, other) = (encode(key(KEY).public().as_bytes()), encode(key(OTHER_KEY).public().as_bytes()));

    assert_eq!(unlock(&locked().to_string().replace(&ours, &other)).unwrap_err(), UnlockError::WrongSecret);
}

#[test]
fn a_way_of_locking_that_is_not_known_is_named_as_such() {
    let text = locked().to_string();

    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        ("argon2id", "scrypt"),
        ("xchacha20poly1305", "aes-256-gcm"),
        (r#""memory_kib":64"#, r#""memory_kib":4000000000"#),
        (r#""memory_kib":64"#, r#""memory_kib":0"#),
        (r#""passes":1"#, r#""passes":1000"#),
        (r#""lanes":1"#, r#""lanes":0"#),
        (r#"64,"passes":1,"lanes":1"#, r#"1024,"passes":1,"lanes":9"#),
    ] {
        let error = unlock(&text.replace(from, to)).unwrap_err();
        assert_eq!((error, error.code()), (UnlockError::Unsupported, "unsupported"), "{to}");
    }
}

#[test]
fn neither_the_text_nor_debug_of_a_locked_key_shows_the_key() {
    let shown = format!("{locked} {locked:?}", locked = locked());

    assert!(!shown.contains(&encode(KEY)));
    assert!(!shown.contains("2, 2, 2"));
    assert!(!shown.contains("secret of the operator"));
}
