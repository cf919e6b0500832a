//! The ledger: double entry, append-only (W-2).
//!
//! An [`Entry`] is one balanced set of postings. The chart of accounts is fixed and every posting lies under one customer's
//! account, so an entry is one row with a column for each ledger account, and a constraint of the database says that the
//! columns add up to zero. A correction is a new entry.

use serde::{Deserialize, Serialize};

use crate::account::Wallet;
use crate::id::{AccountId, EntryId, OrderId, PaymentId};
use crate::money::{Amount, AmountTooLarge};
use crate::order::names;
use crate::time::Instant;

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryReason {
    /// Paid in on the payment platform (W-3).
    Recharge,
    /// Booked by the operator.
    Credit,
    /// Paid for an order.
    Charge,
    /// Paid for an order on the payment platform, past the wallet (B-3).
    Payment,
    /// Given back.
    Refund,
    /// A correction.
    Adjustment,
}

names!(EntryReason, Recharge "recharge", Credit "credit", Charge "charge", Payment "payment",
    Refund "refund", Adjustment "adjustment");

/// The postings of an entry. Cash and gift are what the customer holds; the others say where it came from or went to.
/// They add up to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Postings {
    /// To the customer's cash.
    pub cash: Amount,
    /// To the customer's gift money.
    pub gift: Amount,
    /// To the vendor's sales.
    pub revenue: Amount,
    /// To the money received from outside.
    pub funding: Amount,
    /// To the vendor's promotions.
    pub promotion: Amount,
}

impl Postings {
    /// Money from outside that becomes cash.
    #[must_use]
    pub fn funded(amount: Amount) -> Self {
        Self { cash: amount, funding: amount.negated(), ..Self::default() }
    }

    /// A present of the vendor.
    #[must_use]
    pub fn given(amount: Amount) -> Self {
        Self { gift: amount, promotion: amount.negated(), ..Self::default() }
    }

    /// A price paid to the vendor out of gift and cash.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when the sum does not fit.
    pub fn paid(gift: Amount, cash: Amount) -> Result<Self, AmountTooLarge> {
        let revenue = gift.plus(cash)?;
        Ok(Self { cash: cash.negated(), gift: gift.negated(), revenue, ..Self::default() })
    }

    /// A price that came from outside and goes to the vendor, past the wallet (B-3).
    #[must_use]
    pub fn paid_outside(amount: Amount) -> Self {
        Self { revenue: amount, funding: amount.negated(), ..Self::default() }
    }

    /// What the customer's balance changes by.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when the sum does not fit.
    pub fn amount(&self) -> Result<Amount, AmountTooLarge> {
        self.cash.plus(self.gift)
    }

    /// Whether they add up to zero.
    #[must_use]
    pub fn are_balanced(&self) -> bool {
        let all = [self.cash, self.gift, self.revenue, self.funding, self.promotion];
        all.iter().map(|amount| i128::from(amount.minor())).sum::<i128>() == 0
    }
}

/// One movement of money: a numbered, balanced row of an account's ledger, with the balances after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The customer.
    pub account_id: AccountId,
    /// Counts from 1 in each account, without gaps.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: EntryReason,
    /// From where to where.
    pub postings: Postings,
    /// The customer's cash after it.
    pub cash_after: Amount,
    /// The customer's gift money after it.
    pub gift_after: Amount,
    /// The order that it pays.
    pub order_id: Option<OrderId>,
    /// A reference of the operator's, such as that of a bank transfer.
    pub reference: Option<String>,
    /// The payment whose money it books. A payment is booked once.
    pub payment_id: Option<PaymentId>,
}

impl Wallet {
    /// The wallet after a movement: the only way in which cash and gift change.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when a balance would not fit.
    ///
    /// # Panics
    /// When the postings are not balanced.
    pub fn post(&self, postings: &Postings) -> Result<Self, AmountTooLarge> {
        assert!(postings.are_balanced(), "postings that do not add up to zero: {postings:?}");
        let cash = self.cash.plus(postings.cash)?;
        let gift = self.gift.plus(postings.gift)?;
        cash.plus(gift)?;
        Ok(Self { cash, gift, n_entries: self.n_entries + 1, ..*self })
    }
}
