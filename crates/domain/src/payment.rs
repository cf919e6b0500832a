//! Payments: money that comes from a payment platform (B-3, B-6, R-15, W-3).
//!
//! A payment is one try to get the money for an order. It is stored before the platform hears of it, and what is known of it
//! only grows: money that came is never forgotten, whatever is heard later.
//!
//! ```text
//!   created <──> unknown ──> processing        failed, expired ──(money came after all)──> succeeded | quarantined
//!      └──────────┴─────────────┴──> failed | expired | succeeded | quarantined
//! ```

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, OrderId, PaymentId, PaymentMethodId, UnappliedId};
use crate::money::{Amount, Currency};
use crate::order::{Order, names};
use crate::purchase::Purchase;
use crate::time::Instant;

/// A payment platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlatformName {
    /// The built-in platform that moves no money.
    Sandbox,
    /// Stripe.
    Stripe,
    /// A transfer between banks, which the operator confirms.
    BankTransfer,
}

names!(PlatformName, Sandbox "sandbox", Stripe "stripe", BankTransfer "bank_transfer");

/// How the money is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// A buyer pays.
    Checkout,
    /// A saved payment method is charged, nobody is there (R-15).
    OffSession,
}

names!(Means, Checkout "checkout", OffSession "off_session");

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Stored; no money came yet.
    Created,
    /// The payer did what is theirs; the money is on its way.
    Processing,
    /// The money came and is booked.
    Succeeded,
    /// No money came.
    Failed,
    /// It takes no money any more.
    Expired,
    /// The platform gave no answer: it is asked again, never repeated blindly.
    Unknown,
    /// Money came that is not what was asked for; it is held for the operator (B-6).
    Quarantined,
}

names!(State, Created "created", Processing "processing", Succeeded "succeeded", Failed "failed", Expired "expired",
    Unknown "unknown", Quarantined "quarantined");

/// What is heard of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing was paid yet.
    Wait,
    /// The money is on its way.
    Process,
    /// No money came.
    Fail,
    /// It takes no money any more.
    Expire,
    /// There was no answer.
    Lose,
    /// The money that was asked for came.
    Succeed,
    /// Other money came.
    Quarantine,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Processing,
        Self::Succeeded,
        Self::Failed,
        Self::Expired,
        Self::Unknown,
        Self::Quarantined,
    ];

    /// The state after an input. Every input makes sense in every state, because notices come late, twice and in any order;
    /// what is known of money is never unlearned.
    #[must_use]
    pub const fn apply(self, input: Input) -> Self {
        match (self, input) {
            (Self::Succeeded, _) => Self::Succeeded,
            (Self::Quarantined, _) => Self::Quarantined,
            (_, Input::Succeed) => Self::Succeeded,
            (_, Input::Quarantine) => Self::Quarantined,
            (Self::Failed, _) => Self::Failed,
            (Self::Expired, _) => Self::Expired,
            (_, Input::Fail) => Self::Failed,
            (_, Input::Expire) => Self::Expired,
            (Self::Processing, Input::Wait | Input::Process | Input::Lose) | (_, Input::Process) => Self::Processing,
            (Self::Created | Self::Unknown, Input::Wait) => Self::Created,
            (Self::Created | Self::Unknown, Input::Lose) => Self::Unknown,
        }
    }

    /// Whether money may still come by itself. Such a payment blocks another one of its order.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Created | Self::Processing | Self::Unknown => true,
            Self::Succeeded | Self::Failed | Self::Expired | Self::Quarantined => false,
        }
    }
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 7] =
        [Self::Wait, Self::Process, Self::Fail, Self::Expire, Self::Lose, Self::Succeed, Self::Quarantine];
}

/// One try to get the money for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The customer.
    pub account_id: AccountId,
    /// The order that it pays.
    pub order_id: OrderId,
    /// Where.
    pub platform: PlatformName,
    /// Real money, or a test.
    pub is_live: bool,
    /// How the money is to come.
    pub means: Means,
    /// Where it stands.
    pub state: State,
    /// How much is asked for.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// The platform's name for it.
    pub reference: Option<String>,
    /// The platform's name for the movement of money that paid it.
    pub movement: Option<String>,
    /// Where the buyer pays.
    pub page: Option<String>,
    /// The saved method that is charged.
    pub method_id: Option<PaymentMethodId>,
    /// When it was made.
    pub created_at: Instant,
    /// When the platform is asked next, if nothing is heard before.
    pub check_at: Option<Instant>,
    /// How often it gave no answer since the last one.
    pub n_silent: u32,
    /// When the money came, by our clock.
    pub settled_at: Option<Instant>,
    /// When we learned that the payer takes it back.
    pub disputed_at: Option<Instant>,
    /// Why it failed or is held, in a word.
    pub reason: Option<String>,
    /// The number of the ledger entry that books it: with the account it is the number of the receipt.
    pub entry_number: Option<u64>,
}

impl Payment {
    /// The number on the receipt: the account's part and a number without gaps.
    #[must_use]
    pub fn receipt_number(&self) -> Option<String> {
        let account = self.account_id.to_string();
        let account = account.rsplit('_').next().unwrap_or_default().to_uppercase();
        self.entry_number.map(|number| format!("{account}-{number}"))
    }
}

/// What an order that is paid on a platform is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Something is bought.
    Purchase(Purchase),
    /// Money goes into the wallet (W-3).
    Recharge,
    /// Another term of the order's license (R-15).
    Renewal,
}

/// An order that is or was to be paid on a platform, with all tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The order.
    pub order: Order,
    /// What it is for.
    pub cause: Cause,
    /// Until when it can be paid.
    pub closes_at: Instant,
    /// When it was closed, unpaid.
    pub closed_at: Option<Instant>,
    /// All tries, oldest first.
    pub payments: Vec<Payment>,
}

impl Bill {
    /// A try by its id.
    #[must_use]
    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == id)
    }
}

/// A payment method that a platform keeps for an account. We know its name there, not its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// The customer.
    pub account_id: AccountId,
    /// Who keeps it.
    pub platform: PlatformName,
    /// The platform's customer.
    pub customer: String,
    /// The platform's name for it.
    pub reference: String,
    /// What people call it: `visa **** 4242, 12/2034`.
    pub label: String,
    /// When the customer agreed that it is charged.
    pub created_at: Instant,
    /// When it was removed.
    pub removed_at: Option<Instant>,
}

/// The saved payment method that a license may be charged to (R-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Which.
    pub method_id: PaymentMethodId,
    /// Who keeps it.
    pub platform: PlatformName,
    /// Whether real money moves there.
    pub is_live: bool,
}

/// A renewal that a platform is asked to pay. Until it is settled nothing else pays it: never both sources (R-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charging {
    /// The order of the renewal.
    pub order_id: OrderId,
    /// Since when.
    pub since: Instant,
    /// When it is given up: then the payer did not act.
    pub until: Instant,
}

/// Money that came in and that nothing could take (B-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unapplied {
    /// Its id.
    pub id: UnappliedId,
    /// Whose order it names, if it names one.
    pub account_id: Option<AccountId>,
    /// The order that it names.
    pub order_id: Option<OrderId>,
    /// The payment that brought it.
    pub payment_id: Option<PaymentId>,
    /// Where it lies.
    pub platform: PlatformName,
    /// The platform's name for the movement of money.
    pub movement: String,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Why it was not applied.
    pub reason: Mismatch,
    /// When it came.
    pub at: Instant,
    /// What became of it.
    pub state: UnappliedState,
    /// Who got it.
    pub credited_to: Option<AccountId>,
    /// When that was.
    pub resolved_at: Option<Instant>,
}

/// What became of unapplied money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnappliedState {
    /// Held for the operator.
    Held,
    /// In a wallet.
    Credited,
    /// On its way back to the payer.
    Refunding,
    /// Back with the payer.
    Refunded,
}

names!(UnappliedState, Held "held", Credited "credited", Refunding "refunding", Refunded "refunded");

/// What is wrong with money that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// Not the amount of the order.
    Amount,
    /// Not the currency of the order.
    Currency,
    /// Test money for a real order, or the other way round.
    Mode,
    /// Nothing of ours asked for it.
    Unexpected,
}

names!(Mismatch, Amount "amount_mismatch", Currency "currency_mismatch", Mode "mode_mismatch", Unexpected "unexpected");

/// Where the money of a payment went (B-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// To its order.
    Order,
    /// Into the wallet, because the order could no longer take it.
    Wallet,
}

/// What the platform says of a payment, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing was paid yet.
    Waiting {
        /// The platform's name for it.
        reference: String,
        /// Where the buyer pays.
        page: Option<String>,
    },
    /// The money is on its way.
    Processing {
        /// The platform's name for it.
        reference: String,
    },
    /// Money came.
    Paid(Receipt),
    /// No money came.
    Failed {
        /// The platform's name for it.
        reference: Option<String>,
        /// Why, in a word.
        code: String,
        /// Only the payer can finish it.
        needs_payer: bool,
    },
    /// It takes no money any more.
    Expired,
    /// The platform does not know it.
    Missing,
    /// There was no answer: it may have been done, or not.
    Silence,
    /// The platform was not reached, so nothing was done or learned.
    Unreached,
}

/// Money that came, as the platform tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The platform's name for the payment.
    pub reference: String,
    /// The platform's name for the movement of money.
    pub movement: String,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Real money.
    pub is_live: bool,
    /// Of which payment the platform thinks it is.
    pub payment_id: Option<PaymentId>,
    /// Of which order the platform thinks it is.
    pub order_id: Option<OrderId>,
    /// What can be charged later.
    pub method: Option<SavedMethod>,
    /// The payer takes it back.
    pub is_disputed: bool,
}

/// A payment method that the platform keeps from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMethod {
    /// The platform's customer.
    pub customer: String,
    /// The platform's name for it.
    pub reference: String,
    /// What people call it.
    pub label: String,
}

impl Receipt {
    /// Whether the platform thinks, as we do, that the money is of this payment. That of another one is settled there.
    #[must_use]
    pub fn is_of(&self, payment: &Payment) -> bool {
        self.payment_id.is_none_or(|id| id == payment.id) && self.order_id.is_none_or(|id| id == payment.order_id)
    }

    /// What is wrong with it, if anything is: amount, currency and mode are those of the payment, or it applies to nothing.
    #[must_use]
    pub fn mismatch(&self, payment: &Payment) -> Option<Mismatch> {
        if self.is_live != payment.is_live {
            Some(Mismatch::Mode)
        } else if self.currency != payment.currency {
            Some(Mismatch::Currency)
        } else if self.amount != payment.amount {
            Some(Mismatch::Amount)
        } else {
            None
        }
    }
}

/// After so many seconds an open payment is looked at, if nothing was heard.
const LOOKS: [i64; 4] = [180, 600, 3600, 86_400];
/// For so long a payment without an answer is asked about.
const LOOK_SECONDS_MAX: i64 = 30 * 86_400;
/// How long after no answer the platform is asked again: the first time, doubled each time up to the last.
const SILENCE_SECONDS: (i64, i64) = (15, 3600);

/// When the platform is asked next about a payment that is open at `now`; `closes_at`: when its order closes.
#[must_use]
pub fn next_look(payment: &Payment, closes_at: Instant, now: Instant) -> Option<Instant> {
    if !payment.state.is_open() {
        return None;
    }
    // Of a transfer nobody tells but the operator.
    let looks: &[i64] = if payment.platform == PlatformName::BankTransfer { &[] } else { &LOOKS };
    let planned = looks.iter().map(|seconds| payment.created_at.plus_seconds(*seconds));
    let closing = (payment.means == Means::Checkout).then_some(closes_at);
    let planned = planned.chain(closing).filter(|at| *at > now).min();
    let (first, last) = SILENCE_SECONDS;
    let again = (payment.n_silent > 0).then(|| {
        let wait = (first << (payment.n_silent - 1).min(16)).min(last);
        now.plus_seconds(wait)
    });
    // A checkout whose order is about to close is expired on the platform first, so it is asked until it answers.
    let unclosed = (planned.is_none()).then(|| now.plus_seconds(last));
    let end = payment.created_at.plus_seconds(LOOK_SECONDS_MAX);
    let next = again.into_iter().chain(planned).min().or(unclosed);
    next.filter(|at| *at <= end)
}
