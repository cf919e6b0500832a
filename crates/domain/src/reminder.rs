//! Reminders before the expiry: one message per account and day, only for what is at risk (C-8).

use crate::calendar::Unit;
use crate::draft::Draft;
use crate::event::{Body, Reminded, ReminderReason, Subject};
use crate::forecast::shortage;
use crate::holding::HoldingId;
use crate::license::{Kind, License, State as LicenseState};
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
    next_time(resource.expires_at, books.plan_of(resource).term.unit, books, after)
}

/// The next time at which a reminder of a DR license may be due. A failback license expires by itself (L-4): there is
/// nothing that the customer could do.
#[must_use]
pub fn next_license_reminder_at(license: &License, books: &Books<'_>, after: Instant) -> Option<Instant> {
    if license.state != LicenseState::Valid || license.kind != Kind::Dr {
        return None;
    }
    next_time(license.expires_at, license.run.unit, books, after)
}

fn next_time(expires_at: Instant, unit: Unit, books: &Books<'_>, after: Instant) -> Option<Instant> {
    let expiry = books.zone.date(expires_at);
    let mut times = days_before(unit).map(|days| books.zone.hour_of(expiry.plus_days(-days), REMINDER_HOUR));
    times.find(|at| *at > after)
}

fn days_before(unit: Unit) -> impl Iterator<Item = i64> {
    let is_annual = unit == Unit::Year;
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
    let of_resources = draft.resources().filter_map(|resource| next_reminder_at(resource, &books, at));
    let of_licenses = draft.licenses().filter_map(|license| next_license_reminder_at(license, &books, at));
    let next = of_resources.chain(of_licenses).min();
    draft.set_remind_at(next);
}

fn send(draft: &mut Draft<'_>, at: Instant) {
    let books = draft.books;
    let today = books.zone.date(at);
    let until = books.zone.start_of(today.plus_days(LOOKAHEAD_DAYS + 1));
    let resources: Vec<_> = draft.resources().cloned().collect();
    let licenses: Vec<_> = draft.licenses().cloned().collect();
    let shortage = shortage((&resources, &licenses), &books, draft.wallet(), at, until);
    let is_short = shortage.is_some();
    let is_day = |expires_at: Instant, unit: Unit| {
        let expiry = books.zone.date(expires_at);
        days_before(unit).any(|days| today.plus_days(days) == expiry)
    };
    let resource_is_at_risk = |resource: &&Resource| {
        resource.state == State::Active
            && (is_short || !resource.auto_renew)
            && is_day(resource.expires_at, books.plan_of(*resource).term.unit)
    };
    let license_is_at_risk = |license: &&License| {
        license.state == LicenseState::Valid
            && license.kind == Kind::Dr
            && (!license.auto_renew || (is_short && license.card.is_none()))
            && is_day(license.expires_at, license.run.unit)
    };
    let remind = |id: HoldingId, expires_at| Reminded::of(id, expires_at, None);
    let of_resources = resources.iter().filter(resource_is_at_risk);
    let of_licenses = licenses.iter().filter(license_is_at_risk);
    let reminded: Vec<_> = of_resources
        .map(|resource| remind(resource.id.into(), resource.expires_at))
        .chain(of_licenses.map(|license| remind(license.id.into(), license.expires_at)))
        .collect();
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
