//! A customer and the wallet that belongs to it.

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::money::{Amount, Currency};
use crate::time::Instant;

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// Where messages go.
    pub email: String,
    /// The one currency of its wallet. Never changes.
    pub currency: Currency,
    /// When it was made.
    pub created_at: Instant,
}

/// The balances of an account (W-1). Changed only by ledger entries, freezes and the credit limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wallet {
    /// The customer's money. Negative when credit is used.
    pub cash: Amount,
    /// Promotional money, not withdrawable.
    pub gift: Amount,
    /// Set aside; pays nothing until it is free.
    pub frozen: Amount,
    /// How far cash may go below zero.
    pub credit_limit: Amount,
    /// The number of ledger entries so far; the next one has the next number (W-2).
    pub n_entries: u64,
}

/// Which part of a payment comes from where (W-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// From promotional money, which goes first.
    pub gift: Amount,
    /// From cash, and from credit when cash goes below zero.
    pub cash: Amount,
}

/// The available balance is smaller than the price (R-2, B-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the available balance of {available} does not cover {price}")]
pub struct Shortfall {
    /// What was to be paid.
    pub price: Amount,
    /// What there is. Negative when the credit limit was lowered or money is frozen.
    pub available: Amount,
}

impl Shortfall {
    /// How much is missing.
    #[must_use]
    pub fn missing(self) -> Amount {
        self.price.minus(self.available).unwrap_or(Amount::MAX)
    }
}

impl Wallet {
    /// Available = cash + gift + credit limit - frozen (W-1).
    ///
    /// # Panics
    /// Never: each part is at most [`Amount::MAX`], four of which fit.
    #[must_use]
    pub fn available(&self) -> Amount {
        let parts = [self.cash.minor(), self.gift.minor(), self.credit_limit.minor(), -self.frozen.minor()];
        let sum = parts.iter().sum::<i64>().clamp(-Amount::MAX.minor(), Amount::MAX.minor());
        Amount::new(sum).expect("clamped")
    }

    /// Takes a price out of the wallet: gift, then cash, then credit (W-1). Equal is enough (R-2). Nothing is changed.
    ///
    /// ```
    /// # use domain::account::Wallet;
    /// # use testkit::rules::amount;
    /// let wallet = Wallet {
    ///     cash: amount(5_000),
    ///     gift: amount(3_000),
    ///     credit_limit: amount(10_000),
    ///     ..Wallet::default()
    /// };
    /// let split = wallet.split(amount(12_000)).unwrap();
    /// assert_eq!((split.gift, split.cash), (amount(3_000), amount(9_000)));
    /// assert_eq!(wallet.split(amount(18_001)).unwrap_err().missing(), amount(1));
    /// ```
    ///
    /// # Errors
    /// [`Shortfall`] when the available balance is smaller than the price.
    pub fn split(&self, price: Amount) -> Result<Split, Shortfall> {
        let available = self.available();
        // What costs nothing completes even when a lowered credit limit left the balance below zero (P-4).
        if price > Amount::ZERO && available < price {
            return Err(Shortfall { price, available });
        }
        let gift = self.gift.min(price);
        let cash = price.minus(gift).expect("a part of the price");
        Ok(Split { gift, cash })
    }
}
