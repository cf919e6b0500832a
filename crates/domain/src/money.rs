//! Amounts of money: whole minor units (fen, cents), checked, never a fraction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in minor units of an account's one currency. May be negative (used credit, a charge).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Amount(i64);

/// The amount does not fit the books (more than [`Amount::MAX`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is larger than the books can hold")]
pub struct AmountTooLarge;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The greatest amount that one booking or balance may have: 10^15 minor units.
    /// JSON numbers are exact far beyond it, and no sum of two of them overflows.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// The amount of `minor` units.
    ///
    /// # Errors
    /// [`AmountTooLarge`] outside of ±[`Amount::MAX`].
    pub const fn new(minor: i64) -> Result<Self, AmountTooLarge> {
        if minor > Self::MAX.0 || minor < -Self::MAX.0 { Err(AmountTooLarge) } else { Ok(Self(minor)) }
    }

    /// The number of minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, AmountTooLarge> {
        Self::new(self.0.checked_add(other.0).ok_or(AmountTooLarge)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, AmountTooLarge> {
        Self::new(self.0.checked_sub(other.0).ok_or(AmountTooLarge)?)
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(-self.0)
    }

    /// The product with a number of things (P-1).
    ///
    /// # Errors
    /// [`AmountTooLarge`] when it does not fit.
    pub fn times(self, n: u64) -> Result<Self, AmountTooLarge> {
        let product = i128::from(self.0) * i128::from(n);
        Self::new(i64::try_from(product).map_err(|_| AmountTooLarge)?)
    }

    /// `self * n * part / whole`, rounded half-up: the one place where money is rounded (P-2, P-3). The vendor gets the
    /// half unit.
    ///
    /// ```
    /// # use domain::money::Amount;
    /// let monthly = Amount::new(12_000).unwrap();
    /// // 15 May 2019 17:58 to the end of May: 1,404,120 of 2,678,400 seconds.
    /// assert_eq!(monthly.prorated(1, 1_404_120, 2_678_400).unwrap().minor(), 6291);
    /// ```
    ///
    /// # Errors
    /// [`AmountTooLarge`] when it does not fit.
    ///
    /// # Panics
    /// When `whole` is zero: no period has zero seconds.
    pub fn prorated(self, n: u64, part: u64, whole: u64) -> Result<Self, AmountTooLarge> {
        assert!(whole > 0, "a part of an empty whole: {part} of {whole}");
        let product = i128::from(self.0).checked_mul(i128::from(n)).ok_or(AmountTooLarge)?;
        let product = product.checked_mul(i128::from(part)).ok_or(AmountTooLarge)?;
        let doubled = product.checked_mul(2).ok_or(AmountTooLarge)? + i128::from(whole);
        let rounded = doubled.div_euclid(2 * i128::from(whole));
        Self::new(i64::try_from(rounded).map_err(|_| AmountTooLarge)?)
    }
}

impl TryFrom<i64> for Amount {
    type Error = AmountTooLarge;

    fn try_from(minor: i64) -> Result<Self, AmountTooLarge> {
        Self::new(minor)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is not an ISO 4217 currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency code, such as CNY or USD")]
pub struct UnknownCurrency;

impl Currency {
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many digits a minor unit has in the major one: 2 for CNY, 0 for JPY.
    #[must_use]
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }

    /// The amount as a person writes it: `123.45 CNY`.
    ///
    /// ```
    /// # use domain::money::{Amount, Currency};
    /// let yuan: Currency = "CNY".parse().unwrap();
    /// assert_eq!(yuan.format(Amount::new(-6291).unwrap()), "-62.91 CNY");
    /// ```
    #[must_use]
    pub fn format(self, amount: Amount) -> String {
        let digits = usize::from(self.exponent());
        let sign = if amount.is_negative() { "-" } else { "" };
        let units = format!("{:0>width$}", amount.minor().unsigned_abs(), width = digits + 1);
        let (major, minor) = units.split_at(units.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        format!("{sign}{major}{point}{minor} {}", self.code())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(text).map(Self).ok_or(UnknownCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
