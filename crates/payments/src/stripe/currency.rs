//! Amounts in our minor units and in Stripe's.
//!
//! Ours follow ISO 4217. Stripe's are the same for nearly all currencies; the others are listed here, as its documents
//! have them. What cannot be said exactly in its units is refused, never rounded.

use domain::money::{Amount, Currency};

use super::refused;
use crate::port::Failure;

/// Stripe counts these in whole units. ISO 4217 gives the ariary (MGA) two digits all the same.
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// These have no smaller unit, and Stripe still wants two digits, which are always `00`.
const WHOLE_WITH_TWO_DIGITS: [&str; 2] = ["ISK", "UGX"];
/// Stripe takes three digits, of which the last is always `0`.
const THREE_DIGITS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// How an amount of ours becomes one of theirs: times `theirs`, divided by `ours`, and a multiple of `step`.
///
/// HUF and TWD need nothing here: they are charged with two digits, only payouts to the vendor's bank are in whole units.
#[derive(Debug, Clone, Copy)]
struct Scale {
    theirs: i64,
    ours: i64,
    step: i64,
}

/// `None`: Stripe has no such currency, or its units are not known.
fn scale(currency: Currency) -> Option<Scale> {
    let (code, digits) = (currency.code(), u32::from(currency.exponent()));
    let (their_digits, step) = if WHOLE.contains(&code) {
        (0, 1)
    } else if WHOLE_WITH_TWO_DIGITS.contains(&code) {
        (2, 100)
    } else if THREE_DIGITS.contains(&code) {
        (3, 10)
    } else if digits == 2 {
        (2, 1)
    } else {
        return None;
    };
    let more = their_digits.max(digits) - digits;
    let fewer = digits.max(their_digits) - their_digits;
    Some(Scale { theirs: 10_i64.pow(more), ours: 10_i64.pow(fewer), step })
}

/// The amount in Stripe's units.
///
/// # Errors
/// [`Failure::Refused`] when Stripe does not know the currency, or cannot take this amount of it.
pub(super) fn to_stripe(amount: Amount, currency: Currency) -> Result<i64, Failure> {
    let Some(scale) = scale(currency) else {
        return Err(refused("currency_not_supported", &format!("Stripe takes no {currency}")));
    };
    let scaled = amount.minor().checked_mul(scale.theirs).filter(|scaled| scaled % scale.ours == 0);
    match scaled.map(|scaled| scaled / scale.ours).filter(|theirs| theirs % scale.step == 0) {
        Some(theirs) => Ok(theirs),
        None => {
            let message = format!("Stripe cannot take {} exactly: it has larger units", currency.format(amount));
            Err(refused("amount_not_supported", &message))
        }
    }
}

/// The price of one of `quantity` things in Stripe's units, when all of them cost `total` and that divides evenly.
pub(super) fn unit_of(total: i64, quantity: u32, currency: Currency) -> Option<i64> {
    let step = scale(currency)?.step;
    let quantity = i64::from(quantity);
    (quantity > 0 && total % quantity == 0).then(|| total / quantity).filter(|unit| unit % step == 0)
}

/// What Stripe says in its units, in ours; `None` when that makes no sense.
pub(super) fn from_stripe(theirs: i64, code: &str) -> Option<(Amount, Currency)> {
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    let scale = scale(currency)?;
    let scaled = theirs.checked_mul(scale.ours).filter(|scaled| scaled % scale.theirs == 0)?;
    Some((Amount::new(scaled / scale.theirs).ok()?, currency))
}
