//! The keys of a site, and what they sign: license files, statements, activation codes (L-8).
//!
//! ```text
//! root (offline) ──certifies──> signing key (locked in the database) ──signs──> everything else
//! ```
//!
//! A signing key that was replaced is still published for 30 days, as long as the files last that it signed. After that the
//! next certificate names it as revoked.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant as Stopwatch};

use domain::calendar::{BillingZone, Unit};
use domain::license_file::FILE_SECONDS;
use domain::time::Instant;
use seal::{Certificate, CertificateClaims, Fresh, LockedKey, PrivateKey, PublicKey, Stretch, V1};
use store::{KeyRing, SigningKey, SigningKeyAge, Store};

use crate::key::random;

/// Why there is nothing to sign with, or no key was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// This process was not given the site's secret.
    #[error("this process has no signing keys, or not the secret that unlocks them")]
    NoKeys,
    /// The secret is another one than that which locked the key.
    #[error("the signing key cannot be unlocked: {0}")]
    Locked(seal::UnlockError),
    /// What is stored was changed.
    #[error("the stored signing key is not what the root certified: {0}")]
    Damaged(String),
    /// The certificate has run out.
    #[error("the signing key was certified until {until}; `perennial keys rotate` makes another")]
    Outdated {
        /// Until then.
        until: Instant,
    },
    /// The clock is before the certificate, as when a test clock starts in the past of it.
    #[error("the signing key is certified from {from} on")]
    NotYet {
        /// From then on.
        from: Instant,
    },
    /// The root given is not the one of this site.
    #[error("this root key is not the one that products of this site have pinned")]
    OtherRoot,
    /// There are keys already.
    #[error("this site has keys already; products in the field trust their root")]
    Exists,
    /// There is no such key.
    #[error("there is no signing key {kid}")]
    UnknownKey {
        /// The name that was given.
        kid: String,
    },
    /// The key that signs now.
    #[error("{kid} is the key that signs now; `perennial keys rotate` first")]
    InUse {
        /// Its name.
        kid: String,
    },
}

/// What is signed holds a little before it was made, for products whose clock is slow.
pub(crate) const CLOCK_SKEW_SECONDS: i64 = 300;

/// A certificate lasts so many years: a key is to be replaced well before.
const CERTIFICATE_YEARS: u32 = 2;

/// The site's secret, which locks private keys.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// From bytes that are hard to guess.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(&random::<32>())
    }

    /// Its bytes, to be kept in a safe place.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// A new private key.
#[must_use]
pub fn new_key() -> PrivateKey {
    PrivateKey::from_bytes(&random())
}

/// A private key, locked.
#[must_use]
pub fn lock(key: &PrivateKey, secret: &[u8], stretch: Stretch) -> String {
    let fresh = Fresh { salt: random(), nonce: random() };
    LockedKey::lock(key, secret, stretch, &fresh).to_string()
}

/// A private key that was locked.
///
/// # Errors
/// [`KeyError::Locked`], [`KeyError::Damaged`].
pub fn unlock(text: &str, secret: &[u8]) -> Result<PrivateKey, KeyError> {
    text.parse::<LockedKey>().and_then(|locked| locked.unlock(secret)).map_err(KeyError::Locked)
}

/// The first keys of a site: its root, and a signing key that the root certifies.
///
/// # Errors
/// [`KeyError::Exists`].
pub fn first_keys(
    ring: &KeyRing,
    root: &PrivateKey,
    secret: &Secret,
    issuer: &str,
    zone: &BillingZone,
    now: Instant,
) -> Result<KeyRing, KeyError> {
    if ring.root.is_some() {
        return Err(KeyError::Exists);
    }
    let root_text = Some(root.public().to_string());
    Ok(KeyRing { root: root_text, keys: vec![certified(root, secret, issuer, Vec::new(), zone, now)] })
}

/// The keys after another signing key took over.
///
/// # Errors
/// [`KeyError::NoKeys`], [`KeyError::OtherRoot`].
pub fn rotated(
    ring: KeyRing,
    root: &PrivateKey,
    secret: &Secret,
    zone: &BillingZone,
    now: Instant,
) -> Result<KeyRing, KeyError> {
    let issuer = issuer_of(&ring, root)?;
    let mut keys = ring.keys;
    for key in &mut keys {
        key.age.retired_at.get_or_insert(now);
    }
    let revoked = untrusted(&keys, now);
    keys.insert(0, certified(root, secret, &issuer, revoked, zone, now));
    Ok(KeyRing { root: ring.root, keys })
}

/// The keys after one that was stolen or lost is revoked: the certificate of the present one says so from now on.
///
/// # Errors
/// [`KeyError`].
pub fn revoked(
    ring: KeyRing,
    kid: &str,
    root: &PrivateKey,
    zone: &BillingZone,
    now: Instant,
) -> Result<KeyRing, KeyError> {
    let issuer = issuer_of(&ring, root)?;
    let mut keys = ring.keys;
    let found =
        keys.iter_mut().find(|key| key.kid == kid).ok_or_else(|| KeyError::UnknownKey { kid: kid.to_owned() })?;
    if found.age.retired_at.is_none() {
        return Err(KeyError::InUse { kid: kid.to_owned() });
    }
    found.age.revoked_at.get_or_insert(now);
    let revoked = untrusted(&keys, now);
    let current = keys.iter_mut().find(|key| key.age.retired_at.is_none()).ok_or(KeyError::NoKeys)?;
    let jwk = certificate_of(current, root.public())?.key().clone();
    current.certificate = certificate(root, &issuer, jwk, revoked, zone, now);
    Ok(KeyRing { root: ring.root, keys })
}

fn issuer_of(ring: &KeyRing, root: &PrivateKey) -> Result<String, KeyError> {
    let pinned = ring.root.as_deref().ok_or(KeyError::NoKeys)?;
    if pinned != root.public().to_string() {
        return Err(KeyError::OtherRoot);
    }
    let newest = ring.keys.first().ok_or(KeyError::NoKeys)?;
    Ok(certificate_of(newest, root.public())?.claims().iss.clone())
}

fn certificate_of(key: &SigningKey, root: &PublicKey) -> Result<Certificate, KeyError> {
    Certificate::verify(&key.certificate, root).map_err(|flaw| KeyError::Damaged(flaw.to_string()))
}

/// Whether the secret unlocks the key that signs now.
///
/// # Errors
/// [`KeyError`].
pub fn check_secret(ring: &KeyRing, secret: &Secret) -> Result<(), KeyError> {
    let current = current(ring)?;
    unlock(&current.locked, secret.expose()).map(drop)
}

/// The key that signs now.
fn current(ring: &KeyRing) -> Result<&SigningKey, KeyError> {
    ring.keys.iter().find(|key| key.age.retired_at.is_none()).ok_or(KeyError::NoKeys)
}

/// Keys that are revoked, and those replaced so long ago that nothing they signed holds any more.
fn untrusted(keys: &[SigningKey], now: Instant) -> Vec<String> {
    let kids = keys.iter().filter(|key| !is_trusted(&key.age, now)).map(|key| key.kid.clone());
    kids.collect()
}

/// A server that runs notices a new key after [`LOOK_AGAIN`] and signs with the old one until then.
const NOTICE_SECONDS: i64 = 60;

fn is_trusted(age: &SigningKeyAge, now: Instant) -> bool {
    age.revoked_at.is_none() && age.retired_at.is_none_or(|at| now.seconds_since(at) < FILE_SECONDS + NOTICE_SECONDS)
}

fn certified(
    root: &PrivateKey,
    secret: &Secret,
    issuer: &str,
    revoked: Vec<String>,
    zone: &BillingZone,
    now: Instant,
) -> SigningKey {
    let key = new_key();
    SigningKey {
        kid: key.kid().to_owned(),
        certificate: certificate(root, issuer, key.public().clone(), revoked, zone, now),
        locked: lock(&key, secret.expose(), Stretch::Random),
        age: SigningKeyAge { created_at: now, retired_at: None, revoked_at: None },
    }
}

fn certificate(
    root: &PrivateKey,
    issuer: &str,
    jwk: PublicKey,
    revoked: Vec<String>,
    zone: &BillingZone,
    now: Instant,
) -> String {
    let exp = zone.add(now, Unit::Year, CERTIFICATE_YEARS);
    let (iss, sub) = (issuer.to_owned(), jwk.kid().to_owned());
    let nbf = now.plus_seconds(-CLOCK_SKEW_SECONDS);
    CertificateClaims { v: V1, iss, sub, jwk, iat: now, nbf, exp, revoked }.sign(root)
}

/// The key that signs now, unlocked.
pub(crate) struct Signer {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.key.kid()).finish()
    }
}

impl Signer {
    pub(crate) fn issuer(&self) -> &str {
        &self.certificate.claims().iss
    }
}

/// The keys as a process knows them. The command line may change them beside it, so they are looked at again.
#[derive(Debug)]
pub(crate) struct Signing {
    secret: Option<Secret>,
    known: RwLock<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    ring: KeyRing,
    signer: Arc<Signer>,
    looked_at: Stopwatch,
}

/// What the command line does to the keys is noticed after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Signing {
    pub(crate) const fn with(secret: Option<Secret>) -> Self {
        Self { secret, known: RwLock::new(None) }
    }

    pub(crate) fn secret(&self) -> Option<Secret> {
        self.secret.clone()
    }

    /// The key to sign with.
    pub(crate) async fn signer(&self, store: &Store, now: Instant) -> Result<Arc<Signer>, crate::Error> {
        if let Some(signer) = self.recent() {
            return in_force(signer, now);
        }
        let ring = store.key_ring().await?;
        let signer = self.learn(ring)?;
        in_force(signer, now)
    }

    fn recent(&self) -> Option<Arc<Signer>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| known.looked_at.elapsed() < LOOK_AGAIN).map(|known| Arc::clone(&known.signer))
    }

    fn learn(&self, ring: KeyRing) -> Result<Arc<Signer>, KeyError> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut().filter(|known| known.ring == ring) {
            known.looked_at = Stopwatch::now();
            return Ok(Arc::clone(&known.signer));
        }
        let unlocked = self.unlocked(&ring);
        if let Err(error) = &unlocked {
            tracing::error!("nothing can be signed: {error}; after a new secret the server is to be restarted");
        }
        let signer = Arc::new(unlocked?);
        *known = Some(Known { ring, signer: Arc::clone(&signer), looked_at: Stopwatch::now() });
        Ok(signer)
    }

    fn unlocked(&self, ring: &KeyRing) -> Result<Signer, KeyError> {
        let secret = self.secret.as_ref().ok_or(KeyError::NoKeys)?;
        let root = root_of(ring)?;
        let current = current(ring)?;
        let certificate = certificate_of(current, &root)?;
        let key = unlock(&current.locked, secret.expose())?;
        if key.kid() == certificate.key().kid() {
            Ok(Signer { key, certificate })
        } else {
            Err(KeyError::Damaged(format!("{} is certified, {} is stored", certificate.key().kid(), key.kid())))
        }
    }
}

fn in_force(signer: Arc<Signer>, now: Instant) -> Result<Arc<Signer>, crate::Error> {
    let (from, until) = (signer.certificate.claims().nbf, signer.certificate.claims().exp);
    if now < from {
        Err(KeyError::NotYet { from }.into())
    } else if now >= until {
        Err(KeyError::Outdated { until }.into())
    } else {
        Ok(signer)
    }
}

fn root_of(ring: &KeyRing) -> Result<PublicKey, KeyError> {
    let text = ring.root.as_deref().ok_or(KeyError::NoKeys)?;
    text.parse().map_err(|error: seal::InvalidKey| KeyError::Damaged(error.to_string()))
}

/// The keys that products and others may trust now (JWKS).
pub(crate) fn published(ring: &KeyRing, now: Instant) -> Vec<PublicKey> {
    let trusted = ring.keys.iter().filter(|key| is_trusted(&key.age, now));
    keys_of(ring, trusted)
}

/// The keys that may have signed an activation code: those that were not revoked, however old.
pub(crate) fn ever_valid(ring: &KeyRing) -> Vec<PublicKey> {
    let valid = ring.keys.iter().filter(|key| key.age.revoked_at.is_none());
    keys_of(ring, valid)
}

fn keys_of<'a>(ring: &KeyRing, keys: impl Iterator<Item = &'a SigningKey>) -> Vec<PublicKey> {
    let Ok(root) = root_of(ring) else { return Vec::new() };
    keys.filter_map(|key| certificate_of(key, &root).ok()).map(|certificate| certificate.key().clone()).collect()
}
