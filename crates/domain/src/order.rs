//! Orders: immutable documents with lines; every payment or change makes a new one.

use serde::{Deserialize, Serialize};

use crate::calendar::Unit;
use crate::catalog::{Code, Term};
use crate::id::{AccountId, LicenseId, OrderId, ResourceId};
use crate::money::{Amount, Currency};
use crate::time::{Instant, Period};

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Something new was bought.
    Purchase,
    /// Another period of something.
    Renewal,
    /// A memo of what an expired resource would have cost for a day (C-2).
    Arrears,
    /// Money paid into the wallet (W-3).
    Recharge,
    /// A customer deleted a resource (C-7).
    Deletion,
    /// Money given back.
    Refund,
    /// A correction.
    Adjustment,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Waits for the payment platform (B-3).
    PendingPayment,
    /// Paid and done.
    Completed,
    /// Not paid in time (B-3).
    Closed,
    /// An arrears order that stands (C-2).
    Unpaid,
    /// An arrears order that no longer matters (C-3).
    Revoked,
}

/// Who caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The customer.
    Customer,
    /// The automatic renewal.
    Auto,
    /// The system by rule.
    System,
    /// The operator.
    Operator,
}

macro_rules! names {
    ($type:ty, $($variant:ident $name:literal),*) => {
        impl $type {
            /// Its name in the API and in stored rows.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use names;

names!(OrderKind, Purchase "purchase", Renewal "renewal", Arrears "arrears", Recharge "recharge",
    Deletion "deletion", Refund "refund", Adjustment "adjustment");
names!(OrderState, PendingPayment "pending_payment", Completed "completed", Closed "closed", Unpaid "unpaid",
    Revoked "revoked");
names!(Trigger, Customer "customer", Auto "auto", System "system", Operator "operator");

/// How the amount of a line came about; with it every cent can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// So many full terms of the plan (P-1).
    Terms(u32),
    /// `seconds` of `whole_seconds`, which are `share` times the part of a term that the plan prices (P-2, P-3).
    Part {
        /// The seconds of the line's period.
        seconds: u64,
        /// The seconds of the whole: a month, an hour, a year, the term.
        whole_seconds: u64,
        /// A plan of n months, hours or years costs a part as one of price / n.
        share: u32,
    },
}

/// One position of an order: a period and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What is paid for.
    pub period: Period,
    /// How many units.
    pub quantity: u32,
    /// The plan's price for one term and one unit.
    pub price: Amount,
    /// The plan's term.
    pub term: Term,
    /// How the amount came about.
    pub basis: Basis,
    /// What it costs.
    pub amount: Amount,
}

impl Line {
    /// The line in words, such as `uhost monthly: 1404120 of 2678400 s of a month at 12000`.
    #[must_use]
    pub fn describe(&self, product: Code, plan: Code) -> String {
        let Self { quantity, price, term, .. } = self;
        let times = if *quantity == 1 { String::new() } else { format!(" x {quantity}") };
        let unit = unit_words(term.unit, term.count);
        match self.basis {
            Basis::Terms(1) => format!("{product} {plan}: {unit} at {price}{times}"),
            Basis::Terms(n) => format!("{product} {plan}: {n} terms of {unit} at {price}{times}"),
            Basis::Part { seconds, whole_seconds, share } => {
                let of = if share == 1 { format!("at {price}") } else { format!("at {price} / {share}") };
                let whole = if share == term.count { unit_words(term.unit, 1) } else { unit };
                format!("{product} {plan}: {seconds} of {whole_seconds} s of {whole} {of}{times}")
            }
        }
    }
}

fn unit_words(unit: Unit, count: u32) -> String {
    match (unit, count) {
        (Unit::Hour, 1) => "an hour".to_owned(),
        (unit, 1) => format!("a {}", unit.name()),
        (unit, count) => format!("{count} {}s", unit.name()),
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The customer.
    pub account_id: AccountId,
    /// What it is for.
    pub kind: OrderKind,
    /// Where it stands.
    pub state: OrderState,
    /// Who caused it.
    pub trigger: Trigger,
    /// The sum of its lines.
    pub amount: Amount,
    /// The account's currency.
    pub currency: Currency,
    /// The resource that it is about.
    pub resource_id: Option<ResourceId>,
    /// The license that it is about.
    pub license_id: Option<LicenseId>,
    /// The product and plan that were sold.
    pub sold: Option<Sold>,
    /// Oldest period first, without gaps.
    pub lines: Vec<Line>,
    /// From the start of the first to the end of the last line.
    pub period: Option<Period>,
    /// When it was made: for late work the instant at which it was due.
    pub created_at: Instant,
    /// When it was paid and done.
    pub completed_at: Option<Instant>,
    /// The order that took the place of a revoked arrears order (C-3).
    pub superseded_by: Option<OrderId>,
    /// What the customer agreed to: the version of the terms (B-2). Who and when are the order's trigger and time.
    pub terms_version: Option<String>,
}

/// What an order's lines are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// The product.
    pub product: Code,
    /// The plan.
    pub plan: Code,
}
