//! Identifiers: a typed prefix and a sortable UUIDv7 in base32 (TypeID), such as `res_01jwp0…`.
//!
//! The last byte of every id that belongs to an account is the account's *shard*, so the shard of anything is known from
//! its id alone: no lookup, and rows of one account stay together when tables are distributed by shard.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use typeid_suffix::prelude::TypeIdSuffix;
use uuid::Uuid;

use crate::time::Instant;

/// What an [`Id`] identifies; gives the prefix of its text form.
pub trait Entity {
    /// The prefix before the underscore, three lower-case letters.
    const PREFIX: &'static str;
}

/// The identifier of one entity of type `E`, ordered by creation.
pub struct Id<E> {
    value: u128,
    entity: PhantomData<fn() -> E>,
}

impl<E> Id<E> {
    /// The id with this value, as a store read it back.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self { value, entity: PhantomData }
    }

    /// The 128 bits, big end first when stored as bytes, so that byte order is creation order.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.value
    }

    /// The shard of the account that owns the thing.
    #[must_use]
    pub const fn shard(self) -> Shard {
        Shard(self.value.to_be_bytes()[15])
    }
}

impl<E> Clone for Id<E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> Copy for Id<E> {}
impl<E> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<E> Eq for Id<E> {}
impl<E> PartialOrd for Id<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Id<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<E> Hash for Id<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<E: Entity> fmt::Display for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(f, E::PREFIX, self.value)
    }
}

impl<E: Entity> fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_id(f: &mut fmt::Formatter<'_>, prefix: &str, value: u128) -> fmt::Result {
    let suffix = TypeIdSuffix::from(Uuid::from_u128(value));
    write!(f, "{prefix}_{suffix}")
}

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id with the prefix {prefix}_")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<E: Entity> FromStr for Id<E> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { prefix: E::PREFIX };
        let suffix = text.strip_prefix(E::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let suffix = suffix.ok_or_else(|| invalid.clone())?;
        let suffix = TypeIdSuffix::from_str(suffix).map_err(|_| invalid)?;
        Ok(Self::from_u128(suffix.to_uuid().as_u128()))
    }
}

impl<E: Entity> Serialize for Id<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, E: Entity> Deserialize<'de> for Id<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! entities {
    ($($(#[$doc:meta])* $entity:ident $id:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $entity {}
        impl Entity for $entity {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $id = Id<$entity>;
    )*};
}

entities! {
    /// One customer.
    AccountKind AccountId "acc";
    /// A prepaid resource.
    ResourceKind ResourceId "res";
    /// An order.
    OrderKind OrderId "ord";
    /// A ledger entry, shown as a transaction.
    EntryKind EntryId "txn";
    /// An amount of money that is set aside.
    FreezeKind FreezeId "frz";
    /// An attempt to renew.
    AttemptKind AttemptId "att";
    /// An event.
    EventKindId EventId "evt";
    /// An API key.
    ApiKeyKind ApiKeyId "key";
    /// A DR or failback license.
    LicenseKindId LicenseId "lic";
    /// A unit that protects a host.
    AssignmentKind AssignmentId "asg";
    /// A failback that uses a one-time unit.
    FailbackKind FailbackId "fbk";
    /// A row of the allocation log.
    AllocationKind AllocationId "alc";
    /// A copy of the customer's software that works offline.
    InstallationKind InstallationId "ins";
    /// An activation code.
    CodeKind CodeId "cod";
    /// A license file.
    FileKind FileId "lif";
    /// One try to get the money for an order on a payment platform.
    PaymentKind PaymentId "pay";
    /// A payment method that a platform keeps for an account.
    PaymentMethodKind PaymentMethodId "pmt";
    /// Money that came in and that nothing could take.
    UnappliedKind UnappliedId "una";
}

/// Which of 256 groups of accounts something belongs to. Constant for the life of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u8);

/// The one source of ids: strictly increasing in the order in which they are made.
///
/// Seeded from the edge; with the same seed and the same instants it gives the same ids, so a decision can be repeated.
#[derive(Debug, Clone)]
pub struct Ids {
    last_ms: u64,
    counter: u64,
    state: u64,
}

/// 66 bits lie between the milliseconds and the shard in a UUIDv7; the counter uses 62: 12 before the variant, 50 after.
const COUNTER_BITS: u32 = 62;

impl Ids {
    /// A source whose ids come after `last`, the greatest id already stored (zero when there is none).
    #[must_use]
    pub fn seeded(seed: u64, last: u128) -> Self {
        let last_ms = u64::try_from(last >> 80).unwrap_or(0);
        Self { last_ms, counter: (1 << COUNTER_BITS) - 1, state: seed }
    }

    /// The next id for something of an account in `shard`.
    pub fn next<E>(&mut self, now: Instant, shard: Shard) -> Id<E> {
        let now_ms = u64::try_from(now.seconds()).unwrap_or(0) * 1000;
        if now_ms > self.last_ms {
            self.restart_at(now_ms);
        } else {
            self.counter += 1 + (self.random() & 0xff);
            if self.counter >> COUNTER_BITS != 0 {
                self.restart_at(self.last_ms + 1);
            }
        }
        Id::from_u128(self.compose(shard))
    }

    /// A new account's id: its shard is drawn at random.
    pub fn next_account(&mut self, now: Instant) -> AccountId {
        let shard = Shard(self.random().to_be_bytes()[0]);
        self.next(now, shard)
    }

    fn restart_at(&mut self, ms: u64) {
        self.last_ms = ms;
        // Half of the room stays free for the ids of the same instant.
        self.counter = self.random() >> (64 - COUNTER_BITS + 1);
    }

    fn compose(&self, shard: Shard) -> u128 {
        let ms = u128::from(self.last_ms & 0xffff_ffff_ffff);
        let counter = u128::from(self.counter);
        let (high, low) = (counter >> 50, counter & ((1 << 50) - 1));
        let variant = 0b10_u128 << 62;
        ms << 80 | 7 << 76 | high << 64 | variant | low << 8 | u128::from(shard.0)
    }

    /// SplitMix64: ids must differ, they need not be secret.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
