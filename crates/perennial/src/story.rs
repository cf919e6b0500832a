//! `perennial demo --story`: the examples of the renewal rules as a story, played by the real engine.

use std::path::Path;

use anyhow::Context;
use domain::calendar::{BillingZone, Unit};
use domain::id::{AccountId, EventId, OrderId, ResourceId};
use domain::money::{Amount, Currency};
use domain::order::{Basis, Order, OrderKind, Trigger};
use domain::renewal::{Choice, Length};
use domain::time::Instant;
use engine::{Caller, Engine};
use serde_json::Value;
use store::{EventFilter, Page, StoredEvent};

use crate::config::{Settings, say};
use crate::demo::{self, Kind, ZONE};

/// Tells all tales, each on a database of its own.
///
/// # Errors
/// When the store cannot be written.
pub async fn tell(folder: &Path) -> anyhow::Result<()> {
    say(&format!("All times are local in {ZONE}. Letters in brackets name the rules: docs/rules.md.\n"));
    month_end(&folder.join("1")).await?;
    thirty_days(&folder.join("2")).await?;
    too_little_money(&folder.join("3")).await?;
    switch_off(&folder.join("4")).await?;
    hourly(&folder.join("5")).await?;
    arrears(&folder.join("6")).await?;
    exempt(&folder.join("7")).await
}

async fn month_end(folder: &Path) -> anyhow::Result<()> {
    let mut tale =
        Tale::begin(folder, "The first automatic renewal runs to the month's end", "2019-04-15 17:58:00").await?;
    demo::sell(&tale.engine, "network", "Network", Kind::Plain, &[("monthly", Unit::Month, 1, 12_000)]).await?;
    tale.customer(42_291).await?;
    tale.buys("network", "monthly").await?;
    tale.until("2019-07-01 00:00:00").await?;
    tale.end().await
}

async fn thirty_days(folder: &Path) -> anyhow::Result<()> {
    let mut tale = Tale::begin(folder, "Thirty days bought on 8 May renew on 7 June", "2019-05-08 09:30:00").await?;
    demo::sell(&tale.engine, "uhost", "Cloud host", Kind::Plain, &[("thirty-days", Unit::Day, 30, 12_000)]).await?;
    tale.customer(24_000).await?;
    tale.buys("uhost", "thirty-days").await?;
    tale.until("2019-06-07 09:30:00").await?;
    tale.end().await
}

async fn too_little_money(folder: &Path) -> anyhow::Result<()> {
    let mut tale = Tale::begin(folder, "The same with too little money on 7 June", "2019-05-08 09:30:00").await?;
    demo::sell(&tale.engine, "uhost", "Cloud host", Kind::Plain, &[("thirty-days", Unit::Day, 30, 12_000)]).await?;
    tale.customer(23_999).await?;
    tale.buys("uhost", "thirty-days").await?;
    tale.until("2019-06-08 12:00:00").await?;
    tale.recharges(1).await?;
    tale.end().await
}

async fn switch_off(folder: &Path) -> anyhow::Result<()> {
    let mut tale = Tale::begin(folder, "The same with the switch turned off", "2019-05-08 09:30:00").await?;
    demo::sell(&tale.engine, "uhost", "Cloud host", Kind::Plain, &[("thirty-days", Unit::Day, 30, 12_000)]).await?;
    tale.customer(48_000).await?;
    tale.buys("uhost", "thirty-days").await?;
    tale.switches(false).await?;
    tale.until("2019-06-12 15:00:00").await?;
    tale.renews().await?;
    tale.end().await
}

async fn hourly(folder: &Path) -> anyhow::Result<()> {
    let mut tale =
        Tale::begin(folder, "An hourly resource is aligned to the whole hour", "2024-03-10 16:30:00").await?;
    demo::sell(&tale.engine, "gpu", "Graphics processor", Kind::Plain, &[("hourly", Unit::Hour, 1, 100)]).await?;
    tale.customer(350).await?;
    tale.buys("gpu", "hourly").await?;
    tale.switches(false).await?;
    tale.until("2024-03-10 17:10:00").await?;
    tale.renews().await?;
    tale.until("2024-03-10 19:00:00").await?;
    tale.end().await
}

async fn arrears(folder: &Path) -> anyhow::Result<()> {
    let mut tale = Tale::begin(folder, "Arrears every day, revoked by a recharge", "2025-04-28 14:00:00").await?;
    demo::sell(&tale.engine, "uhost", "Cloud host", Kind::Plain, &[("monthly", Unit::Month, 1, 12_000)]).await?;
    tale.customer(12_000).await?;
    tale.buys("uhost", "monthly").await?;
    tale.until("2025-06-04 20:00:00").await?;
    tale.recharges(13_323).await?;
    tale.end().await
}

async fn exempt(folder: &Path) -> anyhow::Result<()> {
    let mut tale =
        Tale::begin(folder, "What is exempt is renewed before its expiry or not at all", "2025-05-08 10:00:00").await?;
    demo::sell(&tale.engine, "anti-ddos", "Protection", Kind::Exempt, &[("thirty-days", Unit::Day, 30, 12_000)])
        .await?;
    tale.customer(24_000).await?;
    tale.buys("anti-ddos", "thirty-days").await?;
    tale.until("2025-06-06 10:00:00").await?;
    tale.switches(false).await?;
    tale.until("2025-07-08 10:00:00").await?;
    tale.end().await
}

/// One customer with one resource.
struct Tale {
    engine: Engine,
    account_id: AccountId,
    resource_id: ResourceId,
    currency: Currency,
    told: Option<EventId>,
}

impl Tale {
    async fn begin(folder: &Path, title: &str, begin: &str) -> anyhow::Result<Self> {
        let zone = BillingZone::parse(ZONE)?;
        let begin = zone.read(begin).context("a local time")?;
        let settings = Settings::on_test_clock(folder, ([127, 0, 0, 1], 0).into(), zone, begin);
        let engine = crate::serve::open(&settings).await?;
        say(&format!("{title}\n{}", "-".repeat(title.len())));
        Ok(Self {
            engine,
            account_id: AccountId::from_u128(0),
            resource_id: ResourceId::from_u128(0),
            currency: "CNY".parse()?,
            told: None,
        })
    }

    async fn customer(&mut self, cash: i64) -> anyhow::Result<()> {
        self.account_id = demo::account(&self.engine, "Customer", cash).await?;
        self.say(self.engine.now(), &format!("a customer recharges {} (W-3)", self.money(Amount::new(cash)?)));
        Ok(())
    }

    async fn buys(&mut self, product: &str, plan: &str) -> anyhow::Result<()> {
        self.resource_id = demo::buy(&self.engine, self.account_id, product, plan, 1).await?;
        self.tell().await
    }

    async fn switches(&mut self, auto_renew: bool) -> anyhow::Result<()> {
        self.engine.switch(Caller::Account(self.account_id), self.resource_id, auto_renew, None).await?;
        self.tell().await
    }

    async fn renews(&mut self) -> anyhow::Result<()> {
        let choice = Choice { plan: None, length: Length::Terms(1), auto_renew_after: None };
        self.engine.renew(Caller::Account(self.account_id), self.resource_id, choice, None).await?;
        self.tell().await
    }

    async fn recharges(&mut self, cash: i64) -> anyhow::Result<()> {
        self.say(self.engine.now(), &format!("the customer recharges {} (W-3)", self.money(Amount::new(cash)?)));
        demo::recharge(&self.engine, self.account_id, cash).await?;
        self.tell().await
    }

    async fn until(&mut self, local: &str) -> anyhow::Result<()> {
        demo::advance(&self.engine, local).await?;
        self.tell().await
    }

    async fn end(self) -> anyhow::Result<()> {
        let balance = self.engine.balance(Caller::Operator, self.account_id).await?;
        let left = self.money(balance.wallet.available());
        self.say(self.engine.now(), &format!("{left} are left\n"));
        self.engine.store().close().await;
        Ok(())
    }

    /// Tells what has happened since the last time.
    async fn tell(&mut self) -> anyhow::Result<()> {
        loop {
            let filter = EventFilter { account_id: Some(self.account_id), kind: None };
            let page = Page { after: self.told, limit: 100 };
            let events = self.engine.events(Caller::Operator, filter, page).await?;
            let Some(last) = events.last() else { return Ok(()) };
            self.told = Some(last.id);
            for event in &events {
                if let Some(sentence) = self.sentence(event).await? {
                    self.say(event.at, &sentence);
                }
            }
        }
    }

    fn say(&self, at: Instant, sentence: &str) {
        say(&format!("{}  {sentence}", self.engine.zone().show(at)));
    }

    fn money(&self, amount: Amount) -> String {
        self.currency.format(amount)
    }

    fn amount(&self, data: &Value, field: &str) -> String {
        let amount = data[field].as_i64().and_then(|minor| Amount::new(minor).ok());
        amount.map_or_else(|| "?".to_owned(), |amount| self.money(amount))
    }

    fn time(&self, data: &Value, field: &str) -> Option<String> {
        let at: Instant = data[field].as_str()?.parse().ok()?;
        Some(self.engine.zone().show(at))
    }

    async fn order(&self, id: &str) -> anyhow::Result<Order> {
        let id: OrderId = id.parse()?;
        Ok(self.engine.order(Caller::Operator, id).await?)
    }

    async fn sentence(&self, event: &StoredEvent) -> anyhow::Result<Option<String>> {
        let data: Value = serde_json::from_str(&event.data)?;
        let at = |field| self.time(&data, field).unwrap_or_else(|| "never".to_owned());
        Ok(Some(match event.kind.as_str() {
            "order.completed" => {
                let order = self.order(&event.subject).await?;
                if order.kind == OrderKind::Deletion {
                    return Ok(None);
                }
                return Ok(Some(self.order_sentence(&order)));
            }
            "resource.activated" => format!("active until {} (B-7)", at("expires_at")),
            "resource.expired" => match self.time(&data, "suspend_at") {
                Some(suspend_at) => {
                    format!("expired; still runs; the customer is told; suspension on {suspend_at} (C-1, C-4)")
                }
                None => "expired; the customer is told (C-1)".to_owned(),
            },
            "resource.suspended" => format!("suspended, data kept; release: {} (C-4, C-6)", at("release_at")),
            "resource.resumed" => "runs again (C-4)".to_owned(),
            "resource.released" => "released (C-4, R-13)".to_owned(),
            "resource.auto_renew_changed" if data["auto_renew"] == true => "the switch is on (R-11, R-12)".to_owned(),
            "resource.auto_renew_changed" => "the switch is off (R-12)".to_owned(),
            "renewal.postponed" => format!(
                "not renewed: {} do not cover {}; next attempt {} (R-2)",
                self.amount(&data, "available"),
                self.amount(&data, "price"),
                at("next_attempt_at")
            ),
            "arrears.created" => {
                let order = self.order(&event.subject).await?;
                format!("arrears order of {}: {} (C-2)", self.money(order.amount), explain(&order))
            }
            "arrears.revoked" => {
                let order = self.order(&event.subject).await?;
                format!("arrears order of {} revoked (C-3)", self.money(order.amount))
            }
            "reminder.sent" => format!("message to the customer: {} (C-8)", data["reason"].as_str().unwrap_or("?")),
            "balance.low" => format!(
                "{} do not cover the {} due in the next days (C-8)",
                self.amount(&data, "available"),
                self.amount(&data, "needed")
            ),
            _ => return Ok(None),
        }))
    }

    fn order_sentence(&self, order: &Order) -> String {
        let money = self.money(order.amount);
        let zone = self.engine.zone();
        let period = order.period.map(|period| (zone.show(period.start), zone.show(period.end)));
        let (start, end) = period.unwrap_or_default();
        let verb = match order.kind {
            OrderKind::Purchase => "bought",
            OrderKind::Renewal => "renewed",
            OrderKind::Arrears
            | OrderKind::Recharge
            | OrderKind::Deletion
            | OrderKind::Refund
            | OrderKind::Adjustment => order.kind.name(),
        };
        let is_ahead = order.period.is_some_and(|period| order.created_at < period.start);
        let rules = order.lines.first().map_or("P-4", |line| match (order.kind, line.basis, line.term.unit) {
            (OrderKind::Purchase, _, _) => "B-4, P-1",
            _ if order.trigger == Trigger::Customer => "R-10, P-1",
            _ if is_ahead => "R-13, P-1",
            (_, Basis::Part { .. }, Unit::Month) => "R-3, P-2",
            (_, Basis::Part { .. }, Unit::Hour) => "R-4, P-3",
            (_, _, _) => "R-6, R-7, P-1",
        });
        format!("{verb} from {start} to {end} for {money}: {} ({rules})", explain(order))
    }
}

/// How the amount of an order came about.
fn explain(order: &Order) -> String {
    let Some(sold) = order.sold else { return String::new() };
    let lines: Vec<_> = order.lines.iter().map(|line| line.describe(sold.product, sold.plan)).collect();
    lines.join("; ")
}
