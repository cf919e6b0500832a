//! A resource: a bought, prepaid instance of a product, and the states of its life.
//!
//! ```text
//!                 renew                    renew
//!            ┌─────────────┐ ┌──────────────────────────────┐
//!            v             │ v                              │
//!  buy ──> active ──E──> expired ──C-4──> suspended ──C-4──> released
//!                          │                  │
//!                          └──────delete──────┴────────────> deleted
//! ```

use serde::{Deserialize, Serialize};

use crate::calendar::Unit;
use crate::catalog::Code;
use crate::holding::HoldingId;
use crate::id::{AccountId, OrderId, ResourceId};
use crate::order::names;
use crate::time::Instant;

/// Where a resource stands (C-1, C-4, C-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Paid for.
    Active,
    /// Past its expiry; the service still runs.
    Expired,
    /// Stopped, data kept.
    Suspended,
    /// Taken back by rule. Final.
    Released,
    /// Deleted by the customer. Final.
    Deleted,
}

names!(State, Active "active", Expired "expired", Suspended "suspended", Released "released", Deleted "deleted");

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Active, Self::Expired, Self::Suspended, Self::Released, Self::Deleted];

    /// The state after an input.
    ///
    /// # Errors
    /// [`InvalidTransition`] when the input makes no sense in this state.
    pub fn apply(self, input: Input) -> Result<Self, InvalidTransition> {
        match (self, input) {
            (Self::Active | Self::Expired | Self::Suspended, Input::Renew) => Ok(Self::Active),
            (Self::Active, Input::Expire) => Ok(Self::Expired),
            (Self::Expired, Input::Suspend) => Ok(Self::Suspended),
            (Self::Expired | Self::Suspended, Input::Release) => Ok(Self::Released),
            (Self::Expired | Self::Suspended, Input::Delete) => Ok(Self::Deleted),
            (Self::Active, Input::Suspend | Input::Release | Input::Delete)
            | (Self::Expired | Self::Suspended, Input::Expire)
            | (Self::Suspended, Input::Suspend)
            | (
                Self::Released | Self::Deleted,
                Input::Renew | Input::Expire | Input::Suspend | Input::Release | Input::Delete,
            ) => Err(InvalidTransition { state: self, input }),
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Active | Self::Expired | Self::Suspended => false,
            Self::Released | Self::Deleted => true,
        }
    }
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Another period was paid.
    Renew,
    /// The expiry came without one (C-1).
    Expire,
    /// Stopped by rule (C-4).
    Suspend,
    /// Taken back by rule (C-4).
    Release,
    /// Deleted by the customer (C-7).
    Delete,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 5] = [Self::Renew, Self::Expire, Self::Suspend, Self::Release, Self::Delete];
}

/// The input makes no sense in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a resource that is {} cannot take {input:?}", state.name())]
pub struct InvalidTransition {
    /// The state.
    pub state: State,
    /// The input.
    pub input: Input,
}

/// An unbroken run of periods in one unit: they are counted from its anchor, so the 31st comes back after February (T-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The unit of the run's terms.
    pub unit: Unit,
    /// The start of its first period.
    pub anchor: Instant,
    /// How many units from the anchor to the expiry.
    pub count: u32,
}

/// What has been done about the current expiry. A renewal clears all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overdue {
    /// The last attempt to renew.
    pub attempted_at: Option<Instant>,
    /// The switch was turned on: nothing of it is due before.
    pub switched_on_at: Option<Instant>,
    /// Arrears orders cover the time up to here (C-2).
    pub arrears_until: Option<Instant>,
    /// When the customer was really told of the expiry.
    pub told_at: Option<Instant>,
    /// When the customer was really warned of the suspension.
    pub suspension_warned_at: Option<Instant>,
    /// Since when it is suspended.
    pub suspended_at: Option<Instant>,
    /// When the customer was really warned of the release (C-5).
    pub release_warned_at: Option<Instant>,
}

/// A bought, prepaid instance of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its id, ordered by creation.
    pub id: ResourceId,
    /// The customer.
    pub account_id: AccountId,
    /// What was bought.
    pub product: Code,
    /// The version of the product that holds for the current period.
    pub product_version: u32,
    /// The stored choice (R-6): the plan.
    pub plan: Code,
    /// The stored choice (R-6): how many terms of it.
    pub terms: u32,
    /// How many units.
    pub quantity: u32,
    /// What the customer configured: a JSON object, kept as it was sent (R-6).
    pub configuration: String,
    /// The switch (R-12).
    pub auto_renew: bool,
    /// Where it stands.
    pub state: State,
    /// When it was bought.
    pub started_at: Instant,
    /// The start of the current period.
    pub term_started_at: Instant,
    /// The expiry `E`: the end of the current period.
    pub expires_at: Instant,
    /// From where its end is counted.
    pub run: Run,
    /// What has been done about the expiry.
    pub overdue: Overdue,
    /// When it was released or deleted.
    pub ended_at: Option<Instant>,
}

/// One try to renew, stored with its outcome, visible to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: crate::id::AttemptId,
    /// The resource or license.
    pub holding: HoldingId,
    /// When: for late work the instant at which it was due (R-14).
    pub at: Instant,
    /// How it ended.
    pub outcome: Outcome,
    /// In words, when it did not succeed.
    pub reason: Option<String>,
    /// What the renewal would cost.
    pub price: Option<crate::money::Amount>,
    /// The available balance before it.
    pub available: crate::money::Amount,
    /// The order, when it succeeded.
    pub order_id: Option<OrderId>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Renewed.
    Succeeded,
    /// Not enough money (R-2).
    InsufficientBalance,
    /// The saved payment method was declined (R-15).
    Declined,
    /// Nothing to do.
    Skipped,
    /// The renewal is not possible.
    Error,
}

names!(Outcome, Succeeded "succeeded", InsufficientBalance "insufficient_balance", Declined "declined",
    Skipped "skipped", Error "error");
