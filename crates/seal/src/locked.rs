//! A private key at rest: locked with a secret, so that a stolen database or backup signs nothing.
//!
//! ```text
//! secret ──argon2id(salt)──> wrapping key ──XChaCha20-Poly1305(nonce, bound to the public key)──> locked bytes
//! ```

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::jws::{decode, decode_array, encode};
use crate::key::{PrivateKey, PublicKey};

/// A private key that only its secret opens. Its text form is one line of JSON.
///
/// ```
/// use seal::{Fresh, LockedKey, PrivateKey, Stretch, UnlockError};
///
/// let key = PrivateKey::from_bytes(&[7; 32]);
/// let fresh = Fresh { salt: [1; 16], nonce: [2; 24] };
/// let text = LockedKey::lock(&key, b"correct horse", Stretch::Random, &fresh).to_string();
///
/// let locked: LockedKey = text.parse()?;
/// assert_eq!(locked.unlock(b"correct horse")?.kid(), key.kid());
/// assert_eq!(locked.unlock(b"battery staple").unwrap_err(), UnlockError::WrongSecret);
/// # Ok::<(), UnlockError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedKey {
    v: u32,
    /// The public half, as in its JWK.
    x: String,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    cipher: String,
    nonce: String,
    locked: String,
}

/// What names the form, and so must be known before anything else is read.
#[derive(Deserialize)]
struct Form {
    v: u32,
    kdf: String,
    cipher: String,
}

/// How hard a secret is to guess, and so how much work each guess has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// A person chose it: 64 MiB and three passes for each guess (the second choice of RFC 9106).
    Passphrase,
    /// 128 bits or more, drawn at random: nobody guesses it, so it opens at once.
    Random,
}

/// Random bytes for one lock, never used for a second one.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// Makes equal secrets different keys.
    pub salt: [u8; 16],
    /// Makes equal keys different ciphertexts.
    pub nonce: [u8; 24],
}

/// Why a locked key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// The two cannot be told apart: the cipher only says that nothing fits.
    #[error("the secret is wrong, or the locked key is damaged")]
    WrongSecret,
    /// It is locked in a way that is not known here.
    #[error("the key is locked in a way that is not known here")]
    Unsupported,
}

impl UnlockError {
    /// The stable name of the cause, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WrongSecret => "wrong_secret",
            Self::Unsupported => "unsupported",
        }
    }
}

const VERSION: u32 = 1;
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// More work than this is damage, and not done: 256 MiB, 16 passes, 8 lanes.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;

impl Stretch {
    /// Memory in KiB, passes, lanes.
    const fn cost(self) -> (u32, u32, u32) {
        match self {
            Self::Passphrase => (64 * 1024, 3, 4),
            Self::Random => (64, 1, 1),
        }
    }
}

impl LockedKey {
    /// Locks a key. The secret is a passphrase or random bytes, as `stretch` says.
    #[must_use]
    pub fn lock(key: &PrivateKey, secret: &[u8], stretch: Stretch, fresh: &Fresh) -> Self {
        let (memory_kib, passes, lanes) = stretch.cost();
        let wrapping_key = wrapping_key(secret, &fresh.salt, memory_kib, passes, lanes);
        let wrapping_key = wrapping_key.expect("these costs are within the limits");
        let aad = bound_to(key.public());
        let plain = Payload { msg: key.secret_bytes(), aad: &aad };
        let cipher = XChaCha20Poly1305::new((&*wrapping_key).into());
        let locked = cipher.encrypt((&fresh.nonce).into(), plain).expect("32 bytes can be encrypted");
        Self {
            v: VERSION,
            x: encode(key.public().as_bytes()),
            kdf: KDF.to_owned(),
            memory_kib,
            passes,
            lanes,
            salt: encode(fresh.salt),
            cipher: CIPHER.to_owned(),
            nonce: encode(fresh.nonce),
            locked: encode(locked),
        }
    }

    /// Opens the key.
    ///
    /// # Errors
    /// See [`UnlockError`].
    pub fn unlock(&self, secret: &[u8]) -> Result<PrivateKey, UnlockError> {
        let public = self.public().ok_or(UnlockError::WrongSecret)?;
        let salt: [u8; 16] = decode_array(&self.salt).ok_or(UnlockError::WrongSecret)?;
        let nonce: [u8; 24] = decode_array(&self.nonce).ok_or(UnlockError::WrongSecret)?;
        let locked = decode(&self.locked).ok_or(UnlockError::WrongSecret)?;
        let wrapping_key = wrapping_key(secret, &salt, self.memory_kib, self.passes, self.lanes);
        let wrapping_key = wrapping_key.ok_or(UnlockError::Unsupported)?;
        let sealed = Payload { msg: &locked, aad: &bound_to(&public) };
        let cipher = XChaCha20Poly1305::new((&*wrapping_key).into());
        let plain = cipher.decrypt((&nonce).into(), sealed).map_err(|_| UnlockError::WrongSecret)?;
        let plain = Zeroizing::new(plain);
        let bytes = plain.as_slice().try_into().map_err(|_| UnlockError::WrongSecret)?;
        Ok(PrivateKey::from_bytes(bytes))
    }

    /// The public half, which needs no secret. Only after [`unlock`](Self::unlock) it is certain that it fits.
    #[must_use]
    pub fn public(&self) -> Option<PublicKey> {
        PublicKey::from_bytes(&decode_array(&self.x)?).ok()
    }
}

impl fmt::Display for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).expect("strings and numbers are JSON"))
    }
}

impl FromStr for LockedKey {
    type Err = UnlockError;

    fn from_str(text: &str) -> Result<Self, UnlockError> {
        let form: Form = serde_json::from_str(text).map_err(|_| UnlockError::WrongSecret)?;
        if (form.v, &*form.kdf, &*form.cipher) != (VERSION, KDF, CIPHER) {
            return Err(UnlockError::Unsupported);
        }
        serde_json::from_str(text).map_err(|_| UnlockError::WrongSecret)
    }
}

/// A locked key whose public half was exchanged does not open.
fn bound_to(public: &PublicKey) -> Vec<u8> {
    [b"perennial-locked-key-v1:", public.as_bytes().as_slice()].concat()
}

/// `None` when the costs lie outside of the limits.
fn wrapping_key(
    secret: &[u8],
    salt: &[u8; 16],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Option<Zeroizing<[u8; 32]>> {
    if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
        return None;
    }
    let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(secret, salt, key.as_mut_slice()).expect("a secret is shorter than 4 GiB");
    Some(key)
}
