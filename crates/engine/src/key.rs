//! API keys: `pk_`, 32 random characters and a checksum. Only a hash is stored.

use std::sync::Arc;

use domain::id::{AccountId, ApiKeyId, Shard};
use sha2::{Digest, Sha256};
use store::{ApiKey, Clock, Desk, Idempotency, Outcome};
use subtle::ConstantTimeEq;

use crate::{Caller, Engine, Error};

/// Random bytes from the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness enters")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// The secret of an API key, shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiSecret(String);

impl std::fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiSecret(...)")
    }
}

const PREFIX: &str = "pk_";
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHECKSUM_LENGTH: usize = 6;

impl ApiSecret {
    fn generate() -> Self {
        let bytes: [u8; 32] = random();
        let secret: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        Self(format!("{PREFIX}{secret}{}", checksum(&secret)))
    }

    /// The text to hand to the customer.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Tells a mistyped key from an unknown one without a look at the database.
fn checksum(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().take(CHECKSUM_LENGTH).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Whether a text that looks like one of our keys is one that we could have made.
fn is_well_formed(key: &str) -> bool {
    let Some(rest) = key.strip_prefix(PREFIX) else { return true };
    let Some(at) = rest.len().checked_sub(CHECKSUM_LENGTH) else { return false };
    rest.is_char_boundary(at) && checksum(&rest[..at]) == rest[at..]
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The operator key that was given cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an operator key has 16 to 200 printable characters without spaces")]
pub struct InvalidOperatorKey;

impl Engine {
    /// Who a key belongs to, or `None` when it is unknown.
    ///
    /// # Errors
    /// [`Error::Trouble`].
    pub async fn authenticate(&self, key: &str) -> Result<Option<Caller>, Error> {
        if !is_well_formed(key) {
            return Ok(None);
        }
        let hash = hash(key);
        let found = self.store().api_key(hash).await?;
        let found = found.filter(|found| bool::from(found.hash.ct_eq(&hash)));
        Ok(found.map(|found| found.account_id.map_or(Caller::Operator, Caller::Account)))
    }

    /// Makes a key for an account. A repeat under the same idempotency key gives the id, and no secret: it is shown once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_account_key(
        &self,
        caller: Caller,
        account_id: AccountId,
        name: String,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<(ApiKeyId, Option<ApiSecret>)>, Error> {
        caller.require_operator()?;
        self.store().account(account_id).await?.ok_or(Error::NotFound)?;
        let secret = ApiSecret::generate();
        let hash = hash(secret.expose());
        let made = self.store().add_api_key(idempotency, move |desk| {
            let id = desk.ids.next(desk.now, account_id.shard());
            ApiKey { id, account_id: Some(account_id), name, hash, created_at: desk.now }
        });
        Ok(match made.await? {
            Outcome::Done(id) => Outcome::Done((id, Some(secret))),
            Outcome::AlreadyDone(id) => Outcome::AlreadyDone((id, None)),
        })
    }

    /// Makes the given operator key, or a random one, when there is none yet. Gives the secret when one was made.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ensure_operator_key(&self, given: Option<&str>) -> Result<Option<ApiSecret>, Error> {
        if self.store().has_operator_key().await? {
            return Ok(None);
        }
        let secret = given.map_or_else(ApiSecret::generate, |key| ApiSecret(key.to_owned()));
        let hash = hash(secret.expose());
        self.store().add_api_key(None, move |desk| operator_key(desk, hash)).await?;
        Ok(Some(secret))
    }

    /// Makes an operator key in place of all others, for when one was lost or leaked.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn replace_operator_keys(&self) -> Result<ApiSecret, Error> {
        let secret = ApiSecret::generate();
        let hash = hash(secret.expose());
        self.store().replace_operator_keys(move |desk| operator_key(desk, hash)).await?;
        Ok(secret)
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> domain::time::Instant {
        Arc::clone(&self.0.clock).now()
    }
}

fn operator_key(desk: &mut Desk<'_>, hash: [u8; 32]) -> ApiKey {
    let id = desk.ids.next(desk.now, Shard(0));
    ApiKey { id, account_id: None, name: "operator".to_owned(), hash, created_at: desk.now }
}

/// Whether a text may become the operator key.
///
/// # Errors
/// [`InvalidOperatorKey`].
pub fn is_usable_operator_key(key: &str) -> Result<(), InvalidOperatorKey> {
    let usable = (16..=200).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if usable && is_well_formed(key) { Ok(()) } else { Err(InvalidOperatorKey) }
}
