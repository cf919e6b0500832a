//! Reminders before the expiry: one message per account and day, only for what is at risk (C-8).

use crate::calendar::Unit;
use crate::change::Draft;
use crate::event::{Body, Reminded, ReminderReason, Subject};
use crate::forecast::shortage;
use crate::renewal::Books;
use crate::resource::{Resource, State};
use crate::time::Instant;

/// The hour of the day at which reminders are sent.
const REMINDER_HOUR: i8 = 10;
/// How many local dates ahead money is looked for.
const LOOKAHEAD_DAYS: i64 = 7;
/// How many local dates before the expiry a reminder is sent; the first only for annual terms.
const DAYS_BEFORE: [i64; 4] = [30, 7, 3, 1];

/// The next time at which a reminder of a resource may be due.
///
/// ```
/// # use testkit::rules::{books, resource};
/// # use domain::reminder::next_reminder_at;
/// let books = books("Asia/Shanghai", "uhost/thirty day 30 12000 CNY");
/// let uhost = resource(&books, "2025-05-08 09:30:00", "uhost/thirty");
/// let next = |after| next_reminder_at(&uhost, &books.books(), books.at(after)).map(|at| books.zone.show(at));
/// // Seven, three and one days before 7 June, at 10:00.
/// assert_eq!(next("2025-05-08 09:30:00").as_deref(), Some("2025-05-31 10:00:00"));
/// assert_eq!(next("2025-05-31 10:00:00").as_deref(), Some("2025-06-04 10:00:00"));
/// assert_eq!(next("2025-06-06 10:00:00"), None);
/// ```
#[must_use]
pub fn next_reminder_at(resource: &Resource, books: &Books<'_>, after: Instant) -> Option<Instant> {
    if resource.state != State::Active {
        return None;
    }
    let expiry = books.zone.date(resource.expires_at);
    let times = days_before(resource, books).map(|days| books.zone.hour_of(expiry.plus_days(-days), REMINDER_HOUR));
    times.into_iter().find(|at| *at > after)
}

fn days_before(resource: &Resource, books: &Books<'_>) -> impl Iterator<Item = i64> {
    let is_annual = books.plan_of(resource).term.unit == Unit::Year;
    DAYS_BEFORE.into_iter().filter(move |days| *days != 30 || is_annual)
}

/// Sends the reminders of `at`, and finds the next time. The draft holds all resources of the account that have not ended.
///
/// A day that passed while we were down is left out: its message would come too late to be true.
pub(crate) fn remind(draft: &mut Draft<'_>, at: Instant) {
    let books = draft.books;
    let today = books.zone.date(at);
    if books.zone.date(draft.now) == today {
        send(draft, at);
    }
    let next = draft.resources().filter_map(|resource| next_reminder_at(resource, &books, at)).min();
    draft.set_remind_at(next);
}

fn send(draft: &mut Draft<'_>, at: Instant) {
    let books = draft.books;
    let today = books.zone.date(at);
    let until = books.zone.start_of(today.plus_days(LOOKAHEAD_DAYS + 1));
    let resources: Vec<_> = draft.resources().cloned().collect();
    let shortage = shortage(&resources, &books, draft.wallet(), at, until);
    let is_short = shortage.is_some();
    let is_at_risk = |resource: &&Resource| {
        let expiry = books.zone.date(resource.expires_at);
        let is_day = days_before(resource, &books).any(|days| today.plus_days(days) == expiry);
        resource.state == State::Active && is_day && (is_short || !resource.auto_renew)
    };
    let remind =
        |resource: &Resource| Reminded { resource_id: resource.id, expires_at: resource.expires_at, due_at: None };
    let reminded: Vec<_> = resources.iter().filter(is_at_risk).map(remind).collect();
    let subject = Subject::Account(draft.account().id);
    let sent_at = draft.now;
    if !reminded.is_empty() {
        draft.tell(sent_at, subject, Body::ReminderSent { reason: ReminderReason::Expiring, resources: reminded });
    }
    if let Some(needed) = shortage {
        let available = draft.wallet().available();
        draft.tell(sent_at, subject, Body::BalanceLow { available, needed, until });
    }
}
