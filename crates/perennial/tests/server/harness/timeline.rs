//! The life of a resource or an account in lines that a person can check.

use std::fmt::Write;

use domain::time::Instant;
use expect_test::Expect;

use super::site::TestSite;
use super::wire::{Attempt, Event, Order};

impl TestSite {
    /// Orders and attempts of a resource in the order in which they were made, and where it stands.
    pub(crate) fn timeline(&self, resource: &str) -> String {
        let orders = self.orders(&format!("resource_id={resource}"));
        let attempts = self.attempts(resource);
        let of_order = |order: &Order| (order.created_at, suffix(&order.id), self.order_line(order));
        let of_attempt = |attempt: &Attempt| (attempt.at, suffix(&attempt.id), self.attempt_line(attempt));
        let mut moments: Vec<_> = orders.iter().map(of_order).chain(attempts.iter().map(of_attempt)).collect();
        moments.sort();
        let mut text = String::new();
        for (_, _, line) in moments {
            text = text + &line + "\n";
        }
        text + &self.standing(resource)
    }

    pub(crate) fn check_timeline(&self, resource: &str, expected: &Expect) {
        expected.assert_eq(&self.timeline(resource));
    }

    fn order_line(&self, order: &Order) -> String {
        let Order { kind, state, trigger, amount, .. } = order;
        let mut line = format!("{}  {kind} {state} {amount}, {trigger}", self.show(order.created_at));
        if let Some((start, end)) = order.start.zip(order.end) {
            write!(line, ": {} .. {}", self.show(start), self.show(end)).expect("text can be written");
        }
        if order.lines.len() > 1 {
            write!(line, " in {} lines", order.lines.len()).expect("text can be written");
        }
        line
    }

    fn attempt_line(&self, attempt: &Attempt) -> String {
        let Attempt { at, outcome, price, available, .. } = attempt;
        let price = price.map_or("?".to_owned(), |price| price.to_string());
        format!("{}  attempt {outcome}: {price} of {available}", self.show(*at))
    }

    /// Where a resource stands.
    pub(crate) fn standing(&self, resource: &str) -> String {
        let resource = self.resource(resource);
        let when = |at: Option<Instant>| at.map_or("never".to_owned(), |at| self.show(at));
        format!(
            "{} until {}, switch {}, next attempt {}, suspended {}, released {}\n",
            resource.state,
            self.show(resource.expires_at),
            if resource.auto_renew { "on" } else { "off" },
            when(resource.next_attempt_at),
            when(resource.suspend_at),
            when(resource.release_at),
        )
    }

    /// The messages that an account got, with the resources by name.
    pub(crate) fn messages(&self, account: &str, names: &[(&str, &str)]) -> String {
        let events = self.events(account);
        let told = events.iter().filter(|event| event.kind == "reminder.sent" || event.kind == "balance.low");
        told.map(|event| self.message_line(event, names)).collect()
    }

    fn message_line(&self, event: &Event, names: &[(&str, &str)]) -> String {
        let data = &event.data;
        let when = self.show(event.at);
        let Some(resources) = data["resources"].as_array() else {
            return format!("{when}  balance low: {} of {}\n", data["available"], data["needed"]);
        };
        let name = |id: &str| names.iter().find(|(_, known)| *known == id).map_or("?", |(name, _)| name).to_owned();
        let named = resources.iter().map(|resource| name(resource["resource_id"].as_str().unwrap_or_default()));
        let named: Vec<_> = named.collect();
        format!("{when}  {}: {}\n", data["reason"].as_str().unwrap_or("?"), named.join(", "))
    }

    /// When things happened to a subject, as `local time  type` lines. Attempts are told by its timeline.
    pub(crate) fn happenings(&self, account: &str, subject: &str) -> String {
        let events = self.events(account);
        let is_told = |event: &&Event| event.subject_id == subject && event.kind != "renewal.postponed";
        let of_subject = events.iter().filter(is_told);
        of_subject.map(|event| format!("{}  {}\n", self.show(event.at), event.kind)).collect()
    }
}

/// Ids rise in the order in which they were made, whatever they are ids of.
fn suffix(id: &str) -> String {
    id.split_once('_').map_or(id, |(_, suffix)| suffix).to_owned()
}
