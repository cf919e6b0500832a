//! The forecast: the renewals that will fall due, computed by the code that renews.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::account::Wallet;
use crate::id::ResourceId;
use crate::money::Amount;
use crate::recycling::attempt_order;
use crate::renewal::{Books, Command, next_attempt_at, quote};
use crate::resource::Resource;
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
    let mut future = Future { resources: resources.to_vec(), agenda: BTreeSet::new() };
    for index in 0..resources.len() {
        future.plan(index, books, now, until);
    }
    let available = wallet.available();
    let mut forecast =
        Forecast { total: Amount::ZERO, balance_runs_out_at: None, items: Vec::new(), covers_until: until };
    while let Some((at, _, index)) = future.agenda.pop_first() {
        if forecast.items.len() == ITEMS_MAX {
            forecast.covers_until = at;
            break;
        }
        let resource = &future.resources[index];
        let Ok(quote) = quote(resource, Command::Automatic, books, at) else { continue };
        let Ok(total) = forecast.total.plus(quote.amount) else { continue };
        forecast.total = total;
        forecast.items.push(Item { at, resource_id: resource.id, amount: quote.amount });
        if total > available && forecast.balance_runs_out_at.is_none() {
            forecast.balance_runs_out_at = Some(at);
        }
        future.resources[index] = resource.renewed(&quote, books.newest_version(resource));
        future.plan(index, books, at, until);
    }
    forecast
}

struct Future {
    resources: Vec<Resource>,
    agenda: BTreeSet<(Instant, (bool, Instant, ResourceId), usize)>,
}

impl Future {
    fn plan(&mut self, index: usize, books: &Books<'_>, now: Instant, until: Instant) {
        let resource = &self.resources[index];
        if resource.state.is_final() {
            return;
        }
        let policy = books.policy(resource);
        let Some(at) = next_attempt_at(resource, &policy, books.zone) else { return };
        let at = at.max(now);
        if at < until {
            self.agenda.insert((at, attempt_order(resource, &policy, books.zone), index));
        }
    }
}
