//! The forecast: the renewals that will fall due, computed by the code that renews.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::account::Wallet;
use crate::id::ResourceId;
use crate::money::Amount;
use crate::recycling::{attempt_order, release_at};
use crate::renewal::{Books, Command, next_attempt_at, quote};
use crate::resource::{Resource, State};
use crate::time::Instant;

/// A renewal that will fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// When it will be tried.
    pub at: Instant,
    /// The resource.
    pub resource_id: ResourceId,
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

/// The renewals of these resources that fall due from `now` on and before `until`.
#[must_use]
pub fn forecast(resources: &[Resource], books: &Books<'_>, wallet: &Wallet, now: Instant, until: Instant) -> Forecast {
    let available = wallet.available();
    let mut forecast =
        Forecast { total: Amount::ZERO, balance_runs_out_at: None, items: Vec::new(), covers_until: until };
    let mut future = Future::of(resources, books, now, until);
    while let Some(item) = future.next(books, until) {
        if forecast.items.len() == ITEMS_MAX {
            forecast.covers_until = item.at;
            break;
        }
        let Ok(total) = forecast.total.plus(item.amount) else { continue };
        forecast.total = total;
        forecast.items.push(item);
        if total > available && forecast.balance_runs_out_at.is_none() {
            forecast.balance_runs_out_at = Some(item.at);
        }
    }
    forecast
}

/// What falls due before `until`, if the wallet does not cover it. Where very much falls due the sum ends early, but never
/// before what the wallet cannot pay.
pub(crate) fn shortage(
    resources: &[Resource],
    books: &Books<'_>,
    wallet: &Wallet,
    now: Instant,
    until: Instant,
) -> Option<Amount> {
    let mut future = Future::of(resources, books, now, until);
    let (mut needed, mut is_short, mut n_items) = (Amount::ZERO, false, 0);
    while let Some(Item { amount, .. }) = future.next(books, until) {
        needed = needed.plus(amount).unwrap_or(Amount::MAX);
        is_short |= amount > Amount::ZERO && needed > wallet.available();
        n_items += 1;
        if is_short && n_items >= ITEMS_MAX {
            break;
        }
    }
    is_short.then_some(needed)
}

struct Future {
    resources: Vec<Resource>,
    agenda: BTreeSet<(Instant, (bool, Instant, ResourceId), usize)>,
}

impl Future {
    fn of(resources: &[Resource], books: &Books<'_>, now: Instant, until: Instant) -> Self {
        let mut future = Self { resources: resources.to_vec(), agenda: BTreeSet::new() };
        for index in 0..resources.len() {
            future.plan(index, books, now, until);
        }
        future
    }

    /// The next renewal, as if it were paid.
    fn next(&mut self, books: &Books<'_>, until: Instant) -> Option<Item> {
        loop {
            let (at, _, index) = self.agenda.pop_first()?;
            let resource = &self.resources[index];
            let Ok(quote) = quote(resource, Command::Automatic, books, at) else { continue };
            let item = Item { at, resource_id: resource.id, amount: quote.amount };
            self.resources[index] = resource.renewed(&quote, books.newest_version(resource));
            self.plan(index, books, at, until);
            return Some(item);
        }
    }

    fn plan(&mut self, index: usize, books: &Books<'_>, now: Instant, until: Instant) {
        let resource = &self.resources[index];
        if resource.state.is_final() {
            return;
        }
        let policy = books.policy(resource);
        let Some(at) = next_attempt_at(resource, &policy, books.zone) else { return };
        let at = at.max(now);
        let is_gone = resource.state != State::Active
            && release_at(resource, &policy, books.zone).is_some_and(|release| release < at);
        if at < until && !is_gone {
            self.agenda.insert((at, attempt_order(resource, &policy, books.zone), index));
        }
    }
}
