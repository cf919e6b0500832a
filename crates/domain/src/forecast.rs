//! The forecast: the renewals that will fall due, computed by the code that renews.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::account::Wallet;
use crate::holding::{Holding, HoldingId};
use crate::license::License;
use crate::money::Amount;
use crate::recycling::{AttemptOrder, attempt_order, license_attempt_order, release_at};
use crate::renewal::{Books, Command, Quote, next_attempt_at, quote};
use crate::resource::{Resource, State};
use crate::time::Instant;

/// A renewal that will fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// When it will be tried.
    pub at: Instant,
    /// The resource or license.
    pub holding: HoldingId,
    /// What it will cost.
    pub amount: Amount,
}

/// What will fall due, if everything is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The sum of the items.
    pub total: Amount,
    /// When the balance would not cover an item.
    pub balance_runs_out_at: Option<Instant>,
    /// In order of time.
    pub items: Vec<Item>,
    /// The items are complete up to here: the end that was asked for, or less when there are very many.
    pub covers_until: Instant,
}

/// The most items of one forecast.
pub const ITEMS_MAX: usize = 20_000;

/// What may renew: resources and licenses.
pub type Owned<'a> = (&'a [Resource], &'a [License]);

/// The renewals of these resources and licenses that fall due from `now` on and before `until`.
#[must_use]
pub fn forecast(owned: Owned<'_>, books: &Books<'_>, wallet: &Wallet, now: Instant, until: Instant) -> Forecast {
    let available = wallet.available();
    let mut forecast =
        Forecast { total: Amount::ZERO, balance_runs_out_at: None, items: Vec::new(), covers_until: until };
    let mut future = Future::of(owned, books, now, until);
    while let Some((item, has_card)) = future.next(books, until) {
        if forecast.items.len() == ITEMS_MAX {
            forecast.covers_until = item.at;
            break;
        }
        let Ok(total) = forecast.total.plus(item.amount) else { continue };
        forecast.total = total;
        forecast.items.push(item);
        if !has_card && total > available && forecast.balance_runs_out_at.is_none() {
            forecast.balance_runs_out_at = Some(item.at);
        }
    }
    forecast
}

/// What falls due before `until`, if the wallet does not cover it. Where very much falls due the sum ends early, but never
/// before what the wallet cannot pay.
pub(crate) fn shortage(
    owned: Owned<'_>,
    books: &Books<'_>,
    wallet: &Wallet,
    now: Instant,
    until: Instant,
) -> Option<Amount> {
    let mut future = Future::of(owned, books, now, until);
    let (mut needed, mut is_short, mut n_items) = (Amount::ZERO, false, 0);
    while let Some((Item { amount, .. }, has_card)) = future.next(books, until) {
        // What the wallet does not cover is charged to the card.
        if has_card {
            continue;
        }
        needed = needed.plus(amount).unwrap_or(Amount::MAX);
        is_short |= amount > Amount::ZERO && needed > wallet.available();
        n_items += 1;
        if is_short && n_items >= ITEMS_MAX {
            break;
        }
    }
    is_short.then_some(needed)
}

/// A resource or license in a future in which everything is paid.
enum Renewing {
    Resource(Resource),
    License(License),
}

impl Renewing {
    fn holding(&self) -> Option<Holding> {
        match self {
            Self::Resource(resource) => Some(resource.into()),
            Self::License(license) => license.holding(),
        }
    }

    /// Whether a saved payment method pays it when the wallet does not.
    const fn has_card(&self) -> bool {
        match self {
            Self::Resource(_) => false,
            Self::License(license) => license.card.is_some(),
        }
    }

    /// When it is tried next, if it has not ended by then.
    fn attempt(&self, books: &Books<'_>, now: Instant) -> Option<(Instant, AttemptOrder)> {
        match self {
            Self::Resource(resource) => {
                if resource.state.is_final() {
                    return None;
                }
                let policy = books.policy(resource);
                let at = next_attempt_at(resource, &policy, books.zone)?.max(now);
                let is_gone = resource.state != State::Active
                    && release_at(resource, &policy, books.zone).is_some_and(|release| release < at);
                (!is_gone).then(|| (at, attempt_order(resource, &policy, books.zone)))
            }
            Self::License(license) => {
                let at = license.next_attempt_at(books.zone)?.max(now);
                (at <= license.ends_at).then(|| (at, license_attempt_order(license)))
            }
        }
    }

    fn renewed(&self, quote: &Quote, books: &Books<'_>) -> Self {
        match self {
            Self::Resource(resource) => Self::Resource(resource.renewed(quote, books.newest_version(resource))),
            Self::License(license) => {
                let version = license.holding().map_or(1, |holding| books.newest_version(holding));
                Self::License(license.renewed(quote, version, books.zone))
            }
        }
    }
}

struct Future {
    things: Vec<Renewing>,
    agenda: BTreeSet<(Instant, AttemptOrder, usize)>,
}

impl Future {
    fn of((resources, licenses): Owned<'_>, books: &Books<'_>, now: Instant, until: Instant) -> Self {
        let resources = resources.iter().cloned().map(Renewing::Resource);
        let things: Vec<_> = resources.chain(licenses.iter().cloned().map(Renewing::License)).collect();
        let mut future = Self { things, agenda: BTreeSet::new() };
        for index in 0..future.things.len() {
            future.plan(index, books, now, until);
        }
        future
    }

    /// The next renewal, as if it were paid, and whether a saved payment method pays it when the wallet does not.
    fn next(&mut self, books: &Books<'_>, until: Instant) -> Option<(Item, bool)> {
        loop {
            let (at, _, index) = self.agenda.pop_first()?;
            let thing = &self.things[index];
            let Some(holding) = thing.holding() else { continue };
            let Ok(quote) = quote(holding, Command::Automatic, books, at) else { continue };
            let item = Item { at, holding: holding.id, amount: quote.amount };
            let has_card = thing.has_card();
            self.things[index] = thing.renewed(&quote, books);
            self.plan(index, books, at, until);
            return Some((item, has_card));
        }
    }

    fn plan(&mut self, index: usize, books: &Books<'_>, now: Instant, until: Instant) {
        let Some((at, order)) = self.things[index].attempt(books, now) else { return };
        if at < until {
            self.agenda.insert((at, order, index));
        }
    }
}
