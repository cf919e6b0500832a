//! API keys: shown once, checked by their hash, mistyped ones told from unknown ones.

use engine::{Caller, Error, is_usable_operator_key};
use store::Outcome;

use crate::site::{Site, key};

/// The key with one character of another value.
fn mistyped(key: &str, at: usize) -> String {
    let mut bytes = key.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_account_key_acts_for_its_account() {
    let site = Site::open().await;
    let account = site.account(0).await;

    let made = site.engine.add_account_key(Caller::Operator, account, "ci".to_owned(), None).await.unwrap();

    let secret = made.into_inner().1.unwrap();
    assert_eq!(site.engine.authenticate(secret.expose()).await.unwrap(), Some(Caller::Account(account)));
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let site = Site::open().await;
    let account = site.account(0).await;
    let make = || site.engine.add_account_key(Caller::Operator, account, "ci".to_owned(), key(None, "k", 1));

    let (id, secret) = make().await.unwrap().into_inner();
    let repeated = make().await.unwrap();

    assert!(secret.is_some());
    assert_eq!(repeated, Outcome::AlreadyDone((id, None)));
}

#[tokio::test]
async fn a_key_for_nobody_is_not_made() {
    let site = Site::open().await;
    let nobody = domain::id::AccountId::from_u128(1);

    let refused = site.engine.add_account_key(Caller::Operator, nobody, "ci".to_owned(), None).await;

    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn a_mistyped_key_is_nobodys_wherever_the_mistake_is() {
    let site = Site::open().await;
    let account = site.account(0).await;
    let made = site.engine.add_account_key(Caller::Operator, account, "ci".to_owned(), None).await.unwrap();
    let secret = made.into_inner().1.unwrap();
    let length = secret.expose().len();

    let keys = [3, length / 2, length - 1].map(|at| mistyped(secret.expose(), at));

    assert_eq!(site.engine.authenticate(&keys[0]).await.unwrap(), None);
    assert_eq!(site.engine.authenticate(&keys[1]).await.unwrap(), None);
    assert_eq!(site.engine.authenticate(&keys[2]).await.unwrap(), None);
    assert_eq!(site.engine.authenticate(&secret.expose()[..length - 1]).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_key_is_nobodys() {
    let site = Site::open().await;

    assert_eq!(site.engine.authenticate("").await.unwrap(), None);
    assert_eq!(site.engine.authenticate("pk_").await.unwrap(), None);
    assert_eq!(site.engine.authenticate("pk_ключ-ключ").await.unwrap(), None);
    assert_eq!(site.engine.authenticate("some other text").await.unwrap(), None);
}

#[tokio::test]
async fn the_first_operator_key_is_the_one_that_was_given() {
    let site = Site::open().await;

    let made = site.engine.ensure_operator_key(Some("given-operator-key")).await.unwrap();
    let again = site.engine.ensure_operator_key(Some("another-operator-key")).await.unwrap();

    assert_eq!(made.unwrap().expose(), "given-operator-key");
    assert_eq!(again, None);
    assert_eq!(site.engine.authenticate("given-operator-key").await.unwrap(), Some(Caller::Operator));
    assert_eq!(site.engine.authenticate("another-operator-key").await.unwrap(), None);
}

#[tokio::test]
async fn without_one_an_operator_key_is_made_up() {
    let site = Site::open().await;

    let made = site.engine.ensure_operator_key(None).await.unwrap().unwrap();

    assert!(is_usable_operator_key(made.expose()).is_ok());
    assert_eq!(site.engine.authenticate(made.expose()).await.unwrap(), Some(Caller::Operator));
}

#[tokio::test]
async fn a_secret_is_not_printed() {
    let site = Site::open().await;

    let made = site.engine.ensure_operator_key(Some("given-operator-key")).await.unwrap().unwrap();

    assert_eq!(format!("{made:?}"), "ApiSecret(...)");
}

#[tokio::test]
async fn the_secret_itself_is_not_in_the_database() {
    let site = Site::open().await;
    site.engine.ensure_operator_key(Some("given-operator-key")).await.unwrap();

    let closed = site.temp.close().await;

    let file = std::fs::read(closed.folder().join(store::sqlite::FILE_NAME)).unwrap();
    let secret = b"given-operator-key";
    assert!(!file.windows(secret.len()).any(|bytes| bytes == secret));
}

#[test]
fn an_operator_key_is_long_enough_printable_and_not_a_mistyped_one() {
    let refused = [
        "short",
        "fifteen-letters",
        "with a space in it",
        "with-a-newline-in\n",
        "key-with-ключ-in-it",
        "pk_0123456789abcdef",
    ];

    assert!(refused.iter().all(|key| is_usable_operator_key(key).is_err()));
    assert!(is_usable_operator_key("exactly-16-chars").is_ok());
    assert!(is_usable_operator_key(&"x".repeat(201)).is_err());
}
