//! A site with many customers, made by the very use cases that are measured.

use std::path::Path;

use domain::activation::Grant;
use domain::assignment::Wish;
use domain::calendar::BillingZone;
use domain::catalog::{Durations, PlanDraft, ProductDraft, ProductKind, Suspend, Term};
use domain::desk::{CreditKind, credit};
use domain::draft::Draft;
use domain::id::AccountId;
use domain::license;
use domain::money::Amount;
use domain::purchase::{Purchase, buy};
use domain::renewal::{Books, Length};
use domain::time::Instant;
use domain::{calendar::Unit, order::Trigger};
use engine::{AccountDraft, Caller, Engine};
use store::Wanted;

use crate::config::{Settings, say};

/// The price of the sample's plan for a month.
pub(super) const PRICE: i64 = 12_000;
/// Customers with too little money pay so many of their resources.
pub(super) const PAID_WHEN_SHORT: u32 = 4;
/// Every so many customers one has too little money.
const SHORT_EVERY: u32 = 10;

/// Middle of June in the sample's zone.
pub(super) const JUNE: &str = "2025-06-10T01:15:00Z";
/// The start of July in the sample's zone.
pub(super) const JULY: &str = "2025-06-30T16:00:00Z";

/// The sample's database, opened at an instant.
pub(super) async fn open(folder: &Path, at: &str) -> anyhow::Result<(Engine, Settings)> {
    let at: Instant = at.parse()?;
    let zone = BillingZone::parse("Asia/Shanghai")?;
    let settings = Settings::on_test_clock(folder, ([127, 0, 0, 1], 0).into(), zone, at);
    Ok((crate::serve::open(&settings).await?, settings))
}

/// The sample's one product and plan.
pub(super) async fn sell(engine: &Engine) -> anyhow::Result<()> {
    let product = ProductDraft {
        code: "uhost".parse()?,
        name: "Cloud host".to_owned(),
        kind: ProductKind::Resource,
        exempt: false,
        align: true,
        suspend: Suspend::AfterWindow,
        release_when_off: false,
        durations: Durations::default(),
    };
    engine.put_product(Caller::Operator, product).await?;
    let plan = PlanDraft {
        code: "monthly".parse()?,
        term: Term { unit: Unit::Month, count: 1 },
        price: Amount::new(PRICE)?,
        currency: "CNY".parse()?,
        effective_from: None,
        renewals_from: None,
    };
    engine.put_plan(Caller::Operator, "uhost".parse()?, plan).await?;
    Ok(())
}

/// What each customer of a sample has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customers {
    pub(super) n: u32,
    pub(super) n_resources: u32,
    /// Cash that is left after buying.
    pub(super) cash: i64,
    /// Whether every tenth one has money for a part of its resources only.
    pub(super) some_are_short: bool,
}

/// Opens accounts and buys resources to the end of June. Gives the accounts.
pub(super) async fn populate(engine: &Engine, customers: Customers) -> anyhow::Result<Vec<AccountId>> {
    const AT_ONCE: u32 = 256;
    let mut accounts = Vec::new();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..customers.n {
        if number >= AT_ONCE {
            accounts.push(joined(tasks.join_next().await)?);
        }
        tasks.spawn(customer(engine.clone(), customers, number));
        if number > 0 && number % 20_000 == 0 {
            say(&format!("prepared {number} of {} customers", customers.n));
        }
    }
    while let Some(joined_task) = tasks.join_next().await {
        accounts.push(joined(Some(joined_task))?);
    }
    Ok(accounts)
}

fn joined(task: Option<Result<anyhow::Result<AccountId>, tokio::task::JoinError>>) -> anyhow::Result<AccountId> {
    task.expect("a customer is being prepared")?
}

async fn customer(engine: Engine, customers: Customers, number: u32) -> anyhow::Result<AccountId> {
    let draft = AccountDraft {
        name: format!("Customer {number}"),
        email: format!("customer{number}@example.com"),
        currency: "CNY".parse()?,
        credit_limit: Amount::ZERO,
    };
    let account = engine.open_account(Caller::Operator, draft, None).await?.into_inner().account;
    let is_short = customers.some_are_short && number.is_multiple_of(SHORT_EVERY);
    let cash = if is_short { PRICE * i64::from(PAID_WHEN_SHORT) } else { customers.cash };
    let zone = engine.zone().clone();
    // One decision buys everything: it is the same code, and the sample is ready sooner.
    let filled = engine.store().transact(account.id, Wanted::default(), None, move |view, desk| {
        let books = Books { zone: &zone, catalog: desk.catalog };
        let mut draft = Draft::new(books, view, desk.ids, desk.now);
        fill(&mut draft, customers.n_resources, cash)?;
        Ok::<_, anyhow::Error>((draft.finish(), ()))
    });
    filled.await.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(account.id)
}

fn fill(draft: &mut Draft<'_>, n_resources: u32, cash: i64) -> anyhow::Result<()> {
    let all_first_terms = PRICE * i64::from(n_resources);
    credit(draft, Amount::new(all_first_terms + cash)?, CreditKind::Cash, None)?;
    for number in 0..n_resources {
        let purchase = Purchase {
            product: "uhost".parse()?,
            plan: "monthly".parse()?,
            quantity: 1,
            length: Length::MonthEnd,
            configuration: format!("{{\"name\":\"host-{number}\"}}"),
            auto_renew: None,
            terms_version: None,
        };
        buy(draft, purchase, Trigger::Customer)?;
    }
    // The rest of June was cheaper than a whole month; what is left over is set aside, so that it renews nothing.
    let over = draft.wallet().available().minor() - cash;
    if over > 0 {
        domain::desk::freeze(draft, Amount::new(over)?, "left over".to_owned())?;
    }
    Ok(())
}

/// Opens accounts with a DR license each, of which the first hosts are assigned, and a failback license that has come with
/// it. Gives the accounts.
pub(super) async fn populate_licenses(
    engine: &Engine,
    n: u32,
    units: u32,
    hosts: u32,
) -> anyhow::Result<Vec<AccountId>> {
    let mut accounts = Vec::new();
    for number in 0..n {
        let draft = AccountDraft {
            name: format!("Customer {number}"),
            email: format!("customer{number}@example.com"),
            currency: "CNY".parse()?,
            credit_limit: Amount::ZERO,
        };
        let id = engine.open_account(Caller::Operator, draft, None).await?.into_inner().account.id;
        for kind in [license::Kind::Dr, license::Kind::Failback] {
            let grant = Grant { kind, quantity: units, term: Term { unit: Unit::Year, count: 1 } };
            engine.grant(Caller::Operator, id, (grant, None), None).await?;
        }
        let mut left = 0..hosts;
        while !left.is_empty() {
            let names = left.by_ref().take(engine::HOSTS_MAX);
            let wish = |number| Ok(Wish { host: host(number).parse()?, name: None, license_id: None });
            let wishes = names.map(wish).collect::<anyhow::Result<Vec<_>>>()?;
            engine.assign_many(Caller::Operator, id, wishes, None).await?;
        }
        accounts.push(id);
    }
    Ok(accounts)
}

/// The name of a host of the sample.
pub(super) fn host(number: u32) -> String {
    format!("host-{number:05}.sample.example")
}
