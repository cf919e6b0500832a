//! What a period costs (P-1 to P-4).

use crate::calendar::{BillingZone, Unit};
use crate::catalog::Term;
use crate::money::{Amount, AmountTooLarge};
use crate::order::{Basis, Line};
use crate::time::Period;

/// A price and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// For one term and one unit of quantity.
    pub price: Amount,
    /// The term.
    pub term: Term,
    /// How many units.
    pub quantity: u32,
}

impl Rate {
    /// A line of full terms: price x quantity x number of terms (P-1).
    ///
    /// # Errors
    /// [`AmountTooLarge`].
    pub fn full(self, period: Period, n_terms: u32) -> Result<Line, AmountTooLarge> {
        let Self { price, term, quantity } = self;
        let amount = price.times(u64::from(quantity) * u64::from(n_terms))?;
        Ok(Line { period, quantity, price, term, basis: Basis::Terms(n_terms), amount })
    }

    /// A line of a part of a term, rounded once (P-2, P-3).
    ///
    /// ```
    /// # use domain::{calendar::{BillingZone, Unit}, catalog::Term, money::Amount, pricing::Rate, time::Period};
    /// let zone = BillingZone::parse("Asia/Shanghai").unwrap();
    /// let at = |local| zone.read(local).unwrap();
    /// let rate = Rate { price: Amount::new(12_000).unwrap(), term: Term { unit: Unit::Month, count: 1 }, quantity: 1 };
    /// let rest = Period::new(at("2019-05-15 17:58:00"), at("2019-06-01 00:00:00")).unwrap();
    /// assert_eq!(rate.part(rest, rest.start, &zone).unwrap().amount.minor(), 6291);
    /// ```
    ///
    /// `term_start` is where the term would start of which the period is a part; only a day-based term needs it.
    ///
    /// # Errors
    /// [`AmountTooLarge`].
    pub fn part(
        self,
        period: Period,
        term_start: crate::time::Instant,
        zone: &BillingZone,
    ) -> Result<Line, AmountTooLarge> {
        let Self { price, term, quantity } = self;
        let (whole_seconds, share) = match term.unit {
            Unit::Hour => (3600, term.count),
            Unit::Day => {
                let end = zone.add(term_start, Unit::Day, term.count);
                (Period { start: term_start, end }.seconds(), 1)
            }
            Unit::Month => (zone.month_around(period.start).seconds(), term.count),
            Unit::Year => (zone.year_around(period.start).seconds(), term.count),
        };
        let seconds = period.seconds();
        let amount = price.prorated(u64::from(quantity), seconds, u64::from(share) * whole_seconds)?;
        let basis = Basis::Part { seconds, whole_seconds, share };
        Ok(Line { period, quantity, price, term, basis, amount })
    }
}

/// The sum of lines.
///
/// # Errors
/// [`AmountTooLarge`].
pub fn total(lines: &[Line]) -> Result<Amount, AmountTooLarge> {
    lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.amount))
}
