//! A license: a right that is counted in units, and the states of its life (L-1, L-7).
//!
//! ```text
//!            renew            renew
//!          ┌───────┐    ┌───────────────┐
//!          v       │    v               │
//!  made ─> valid ──┴──E──> grace (dr) ──┴── 7 days ──> expired
//!            │  └──E (failback) ─────────────────────────^ ^
//!            v                                             │
//!        suspended ── reinstate ──> valid     E + grace ───┘        revoke: from any of these
//! ```

use serde::{Deserialize, Serialize};

use crate::calendar::{BillingZone, Unit};
use crate::catalog::{Code, Term};
use crate::holding::{Holding, Phase};
use crate::id::{AccountId, CodeId, LicenseId, OrderId};
use crate::order::names;
use crate::payment::{Card, Charging};
use crate::renewal::{Quote, next_daily_attempt};
use crate::resource::Run;
use crate::time::{Instant, Wait};
use crate::unit::UnitCounts;

/// What a license allows (L-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Each unit protects one host (L-6).
    Dr,
    /// Each unit pays for one failback (L-5).
    Failback,
}

names!(Kind, Dr "dr", Failback "failback");

/// Where a license comes from (L-1). A bonus is used before what was paid for (L-5), so it comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Came free with a purchase (L-3).
    Bonus,
    /// Bought.
    Purchase,
    /// Made from an activation code (L-8).
    Code,
    /// Given by the operator (L-4).
    Grant,
}

names!(Source, Bonus "bonus", Purchase "purchase", Code "code", Grant "grant");

/// Where a license stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Within its term.
    Valid,
    /// Past its expiry; running hosts go on, renewable (L-7).
    Grace,
    /// Stopped by the operator, with a reason (B-5).
    Suspended,
    /// Over. Final.
    Expired,
    /// Taken back by the operator, with a reason (B-5). Final.
    Revoked,
}

names!(State, Valid "valid", Grace "grace", Suspended "suspended", Expired "expired", Revoked "revoked");

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Valid, Self::Grace, Self::Suspended, Self::Expired, Self::Revoked];

    /// The state after an input.
    ///
    /// # Errors
    /// [`InvalidTransition`] when the input makes no sense in this state.
    pub fn apply(self, input: Input) -> Result<Self, InvalidTransition> {
        match (self, input) {
            (Self::Valid | Self::Grace, Input::Renew) | (Self::Suspended, Input::Reinstate) => Ok(Self::Valid),
            (Self::Valid, Input::EnterGrace) => Ok(Self::Grace),
            (Self::Valid | Self::Grace | Self::Suspended, Input::Expire) => Ok(Self::Expired),
            (Self::Valid | Self::Grace, Input::Suspend) => Ok(Self::Suspended),
            (Self::Valid | Self::Grace | Self::Suspended, Input::Revoke) => Ok(Self::Revoked),
            (Self::Valid | Self::Grace, Input::Reinstate)
            | (Self::Grace, Input::EnterGrace)
            | (Self::Suspended, Input::Renew | Input::EnterGrace | Input::Suspend)
            | (
                Self::Expired | Self::Revoked,
                Input::Renew | Input::EnterGrace | Input::Expire | Input::Suspend | Input::Reinstate | Input::Revoke,
            ) => Err(InvalidTransition { state: self, input }),
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Valid | Self::Grace | Self::Suspended => false,
            Self::Expired | Self::Revoked => true,
        }
    }
}

/// What happens to a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Another period was paid.
    Renew,
    /// The expiry of a DR license came without one (L-7).
    EnterGrace,
    /// Its time is over.
    Expire,
    /// Stopped by the operator (B-5).
    Suspend,
    /// No longer stopped.
    Reinstate,
    /// Taken back by the operator (B-5).
    Revoke,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 6] =
        [Self::Renew, Self::EnterGrace, Self::Expire, Self::Suspend, Self::Reinstate, Self::Revoke];
}

/// The input makes no sense in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a license that is {} cannot take {input:?}", state.name())]
pub struct InvalidTransition {
    /// The state.
    pub state: State,
    /// The input.
    pub input: Input,
}

/// What a customer reads as the status of a license (L-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Usable.
    Valid,
    /// Past its expiry; running hosts go on.
    Grace,
    /// Over.
    Expired,
    /// Every one-time unit is consumed.
    Exhausted,
    /// Stopped by the operator.
    Suspended,
    /// Taken back by the operator.
    Revoked,
}

names!(Status, Valid "valid", Grace "grace", Expired "expired", Exhausted "exhausted", Suspended "suspended",
    Revoked "revoked");

/// The plan by which a license renews (R-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// What was bought.
    pub product: Code,
    /// The version of the product that holds for the current period.
    pub product_version: u32,
    /// One of its plans.
    pub plan: Code,
    /// How many terms of it.
    pub terms: u32,
}

/// A right that is counted in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// Its id, ordered by creation.
    pub id: LicenseId,
    /// The customer.
    pub account_id: AccountId,
    /// What it allows.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// What was bought; `None`: it was not bought, and cannot renew.
    pub subscription: Option<Subscription>,
    /// How many units.
    pub total: u32,
    /// The switch (R-12). Only what was bought as a DR license has one.
    pub auto_renew: bool,
    /// Where it stands.
    pub state: State,
    /// When it took effect (L-2).
    pub activated_at: Instant,
    /// The start of the current term.
    pub term_started_at: Instant,
    /// The expiry `E`: the end of the current term.
    pub expires_at: Instant,
    /// The end of its grace: until then its units are live. For a failback license the expiry.
    pub ends_at: Instant,
    /// From where its end is counted (T-4).
    pub run: Run,
    /// The last attempt to renew in the current term.
    pub attempted_at: Option<Instant>,
    /// What it is charged to when the wallet does not cover it, if the customer agreed (R-15).
    pub card: Option<Card>,
    /// The renewal that a platform is asked to pay now.
    pub charging: Option<Charging>,
    /// What its units are used for.
    pub units: UnitCounts,
    /// The DR license with which it came as a bonus.
    pub parent_id: Option<LicenseId>,
    /// The order that made it.
    pub order_id: Option<OrderId>,
    /// The activation code that made it.
    pub code_id: Option<CodeId>,
    /// Why the operator gave, suspended or revoked it, last.
    pub reason: Option<String>,
    /// When it expired or was revoked.
    pub ended_at: Option<Instant>,
}

/// L-7: how long running hosts of a DR license go on after its expiry.
const GRACE: Wait = Wait::days(7);

/// The expiry waits so long for a saved payment method that is charged, in seconds.
const CHARGE_SECONDS: i64 = 600;

/// When the units of a license that expires then stop to be live. Only DR licenses have grace (L-7).
#[must_use]
pub fn ends_at(kind: Kind, expires_at: Instant, zone: &BillingZone) -> Instant {
    match kind {
        Kind::Dr => zone.after(expires_at, GRACE),
        Kind::Failback => expires_at,
    }
}

/// The step of a license that is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timers {
    /// An attempt to renew (R-1, R-2).
    pub attempt: Option<Instant>,
    /// The expiry.
    pub expire: Option<Instant>,
    /// The end of the grace.
    pub end: Option<Instant>,
}

impl Timers {
    /// The first of them.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        [self.attempt, self.expire, self.end].into_iter().flatten().min()
    }
}

impl License {
    /// When each step is due, as things stand.
    ///
    /// ```
    /// # use testkit::rules::{Life, books, license_purchase};
    /// # use domain::license::State;
    /// let mut life = Life::new(books("Asia/Shanghai", "dr/monthly month 1 7500 CNY dr"), "2025-06-30 15:30:27");
    /// life.credit(7_500);
    /// let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    /// life.advance_to("2025-08-01 00:00:00");
    /// // Expired on 30 July: tried every day, and over after seven (L-7).
    /// let timers = life.license(dr).timers(&life.books.zone);
    /// assert_eq!(life.license(dr).state, State::Grace);
    /// assert_eq!(timers.attempt.map(|at| life.show(at)).as_deref(), Some("2025-08-01 15:30:27"));
    /// assert_eq!(timers.end.map(|at| life.show(at)).as_deref(), Some("2025-08-06 15:30:27"));
    /// ```
    #[must_use]
    pub fn timers(&self, zone: &BillingZone) -> Timers {
        let attempt = self.next_attempt_at(zone);
        // A charge takes seconds; nobody is told of an expiry that it is about to prevent.
        let told_at = self.charging.map_or(self.expires_at, |charging| charging.since.plus_seconds(CHARGE_SECONDS));
        match self.state {
            State::Valid => Timers { attempt, expire: Some(self.expires_at.max(told_at)), end: None },
            State::Grace => Timers { attempt, expire: None, end: Some(self.ends_at) },
            State::Suspended => Timers { attempt: None, expire: None, end: Some(self.ends_at) },
            State::Expired | State::Revoked => Timers::default(),
        }
    }

    /// When the next attempt to renew is due: at the expiry, then every day until the end of the grace (L-7, R-2).
    #[must_use]
    pub fn next_attempt_at(&self, zone: &BillingZone) -> Option<Instant> {
        let holding = self.holding().filter(|holding| holding.auto_renew && !holding.phase.is_final());
        if let Some(Charging { until, .. }) = self.charging {
            return Some(until).filter(|at| *at < self.ends_at && !self.state.is_final());
        }
        let holding = holding?;
        Some(next_daily_attempt(&holding, zone)).filter(|at| *at <= self.ends_at)
    }

    /// The license as renewal sees it; `None` when it cannot renew at all.
    ///
    /// While it is suspended its switch rests.
    #[must_use]
    pub fn holding(&self) -> Option<Holding> {
        let Subscription { product, product_version, plan, terms } = self.subscription?;
        let phase = match self.state {
            State::Valid => Phase::Active,
            State::Grace | State::Suspended => Phase::Overdue,
            State::Expired | State::Revoked => Phase::EndedLicense(self.state),
        };
        Some(Holding {
            id: self.id.into(),
            product,
            product_version,
            plan,
            terms,
            quantity: self.total,
            auto_renew: self.auto_renew && self.state != State::Suspended,
            phase,
            term_started_at: self.term_started_at,
            expires_at: self.expires_at,
            run: self.run,
            attempted_at: self.attempted_at,
        })
    }

    /// The license after a paid renewal: same id, its hosts go on (L-7).
    ///
    /// # Panics
    /// When it cannot renew: then there is no quote.
    #[must_use]
    pub fn renewed(&self, quote: &Quote, product_version: u32, zone: &BillingZone) -> Self {
        let state = self.state.apply(Input::Renew).expect("a quote is not made for what has ended");
        let subscription = self.subscription.expect("what renews was bought");
        Self {
            state,
            subscription: Some(Subscription { product_version, plan: quote.plan, terms: quote.terms, ..subscription }),
            term_started_at: quote.period.start,
            expires_at: quote.period.end,
            ends_at: ends_at(self.kind, quote.period.end, zone),
            run: quote.run,
            attempted_at: None,
            charging: None,
            ..self.clone()
        }
    }

    /// Units that nothing uses.
    #[must_use]
    pub fn n_free(&self) -> u32 {
        self.units.n_free(self.total)
    }

    /// Whether its units count at an instant: hosts may go on, failbacks may start.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        match self.state {
            State::Valid | State::Grace => now < self.ends_at,
            State::Suspended | State::Expired | State::Revoked => false,
        }
    }

    /// Whether units of it may be taken at an instant. In grace none may (L-7).
    #[must_use]
    pub fn gives_units(&self, now: Instant) -> bool {
        self.state == State::Valid && now < self.expires_at && self.n_free() > 0
    }

    /// What the customer reads. By the clock, so it does not depend on how late the worker is.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        match self.state {
            State::Revoked => Status::Revoked,
            State::Expired => Status::Expired,
            State::Valid | State::Grace | State::Suspended if now >= self.ends_at => Status::Expired,
            State::Suspended => Status::Suspended,
            State::Valid | State::Grace if now >= self.expires_at => Status::Grace,
            State::Valid | State::Grace if self.kind == Kind::Failback && self.units.consumed == self.total => {
                Status::Exhausted
            }
            State::Valid | State::Grace => Status::Valid,
        }
    }

    /// Days from its activation to its expiration (L-1): local dates apart.
    #[must_use]
    pub fn service_life_days(&self, zone: &BillingZone) -> i64 {
        zone.date(self.expires_at).days_since(zone.date(self.activated_at))
    }
}

/// The end of a term that starts then, and the run that counts it (L-2, T-4).
#[must_use]
pub fn first_run(start: Instant, term: Term, n_terms: u32) -> Run {
    Run { unit: term.unit, anchor: start, count: n_terms * term.count }
}

/// The term of a failback license that nobody chose otherwise (L-4).
pub const FAILBACK_TERM: Term = Term { unit: Unit::Month, count: 3 };
