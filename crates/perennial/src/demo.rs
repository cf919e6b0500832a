//! `perennial demo`: a sample vendor with products and customers on a test clock, ready to be tried with curl.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use domain::assignment::Wish;
use domain::calendar::{BillingZone, Unit};
use domain::catalog::{Durations, PlanDraft, ProductDraft, ProductKind, Suspend, Term};
use domain::desk::CreditKind;
use domain::id::{AccountId, ResourceId};
use domain::money::Amount;
use domain::purchase::Purchase;
use domain::renewal::Length;
use domain::time::Instant;
use engine::{AccountDraft, Caller, Engine};
use tokio::net::TcpListener;

use crate::config::{Settings, say};
use crate::serve::{Running, StopSignals, open, runtime, start_logging};
use crate::story;

/// `perennial demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on; port 0 is any free port
    #[arg(long, env = "PERENNIAL_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keeps the demo's database in this new folder; by default it vanishes with the demo
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Tells the life of some resources in the terminal instead: what happened when, for how much, by which rule
    #[arg(long)]
    story: bool,
}

/// The demo's zone.
pub const ZONE: &str = "Asia/Shanghai";
/// When the demo's customers begin to buy.
const BEGIN: &str = "2025-04-12 09:30:00";
/// Where the demo's clock stands when it is ready.
const READY: &str = "2025-05-27 18:00:00";

/// Runs the demo until it is interrupted.
///
/// # Errors
/// When the address or the folder cannot be used.
pub fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::Builder::new().prefix("perennial-demo").tempdir()?;
    if args.story {
        runtime()?.block_on(story::tell(temporary.path()))?;
    } else {
        let data_dir = args.data_dir.unwrap_or_else(|| temporary.path().to_owned());
        anyhow::ensure!(
            !data_dir.join(store::sqlite::FILE_NAME).exists(),
            "data_dir: {} holds a database already; the demo wants a new folder",
            data_dir.display()
        );
        let zone = BillingZone::parse(ZONE)?;
        let begin = zone.read(BEGIN).context("the demo's begin")?;
        let settings = Settings::on_test_clock(&data_dir, args.listen, zone, begin);
        start_logging(&settings);
        runtime()?.block_on(serve(&settings))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let stop = StopSignals::listen()?;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| {
        format!("listen: {} cannot be used; choose another with --listen 127.0.0.1:0", settings.listen)
    })?;
    let engine = open(settings).await?;
    let sample = Sample::fill(&engine).await?;
    let running = Running::start(engine, Some(listener), settings)?;
    sample.introduce(running.address.context("the demo listens")?);
    stop.wait().await;
    running.stop().await;
    Ok(())
}

/// The demo's operator and customers, with their keys.
struct Sample {
    operator_key: String,
    customers: Vec<(&'static str, &'static str, AccountId, String)>,
    in_arrears: ResourceId,
    now: Instant,
    root: String,
}

impl Sample {
    async fn fill(engine: &Engine) -> anyhow::Result<Self> {
        let operator_key = engine.ensure_operator_key(None).await?.context("a fresh database")?;
        sell(
            engine,
            "uhost",
            "Cloud host",
            Kind::Plain,
            &[
                ("hourly", Unit::Hour, 1, 100),
                ("thirty-days", Unit::Day, 30, 12_000),
                ("monthly", Unit::Month, 1, 12_000),
                ("annual", Unit::Year, 1, 120_000),
            ],
        )
        .await?;
        sell(engine, "eip", "Elastic address", Kind::Plain, &[("monthly", Unit::Month, 1, 3_000)]).await?;
        sell(engine, "dns", "Domain name service", Kind::NeverSuspended, &[("annual", Unit::Year, 1, 36_000)]).await?;
        sell(engine, "anti-ddos", "Protection against floods", Kind::Exempt, &[("monthly", Unit::Month, 1, 20_000)])
            .await?;
        sell(
            engine,
            "dr",
            "Disaster recovery for one host",
            Kind::Dr,
            &[("monthly", Unit::Month, 1, 7_500), ("annual", Unit::Year, 1, 75_000)],
        )
        .await?;
        sell(engine, "failback", "One failback", Kind::Failback, &[("standard", Unit::Month, 3, 2_000)]).await?;

        let harbor = account(engine, "Harbor Robotics", 5_000_000).await?;
        let studio = account(engine, "Studio Moss", 30_000).await?;
        let antiques = account(engine, "Old Town Antiques", 13_000).await?;
        for (product, plan, quantity) in [
            ("uhost", "monthly", 3),
            ("uhost", "annual", 1),
            ("uhost", "hourly", 2),
            ("anti-ddos", "monthly", 1),
            ("dns", "annual", 1),
        ] {
            buy(engine, harbor, product, plan, quantity).await?;
        }
        advance(engine, "2025-04-25 11:12:13").await?;
        buy(engine, studio, "uhost", "thirty-days", 2).await?;
        buy(engine, studio, "eip", "monthly", 1).await?;
        let in_arrears = buy(engine, antiques, "uhost", "monthly", 1).await?;
        let clinic = account(engine, "Summit Clinic", 400_000).await?;
        protect(engine, clinic).await?;
        advance(engine, READY).await?;

        let mut customers = Vec::new();
        for (name, what, id) in [
            ("Harbor Robotics", "rich: everything renews", harbor),
            ("Studio Moss", "short of money: one renewed, one waits", studio),
            ("Old Town Antiques", "in arrears since 25 May, will be suspended", antiques),
            ("Summit Clinic", "ten DR units, four hosts protected, failbacks free and bought", clinic),
        ] {
            let key = engine.add_account_key(Caller::Operator, id, "demo".to_owned(), None).await?.into_inner();
            let (_, secret) = key;
            customers.push((name, what, id, secret.context("a new key")?.expose().to_owned()));
        }
        let root = engine.store().key_ring().await?.root.context("the first start makes keys")?;
        let (operator_key, now) = (operator_key.expose().to_owned(), engine.now());
        Ok(Self { operator_key, customers, in_arrears, now, root })
    }

    fn introduce(&self, address: SocketAddr) {
        let url = format!("http://{address}");
        say(&format!("listening on {url}"));
        say("");
        say(&format!("A sample vendor is running on a test clock at {} ({READY} in {ZONE}).", self.now));
        say(&format!("API reference: {url}/docs"));
        say("");
        say(&format!("operator key: {}", self.operator_key));
        for (name, what, id, key) in &self.customers {
            say(&format!("customer:     {name} ({what})"));
            say(&format!("              {id}  key {key}"));
        }
        let (_, _, antiques, antiques_key) = &self.customers[2];
        let operator = &self.operator_key;
        say("");
        say("Five things to try:");
        say("1. Look at a resource in arrears: it still runs, and says when it will be suspended:");
        say(&format!("   curl -s -H 'Authorization: Bearer {antiques_key}' {url}/v1/resources/{}", self.in_arrears));
        say("2. Recharge: the renewal goes on from the old end at once, and the arrears orders are revoked:");
        say(&format!(
            "   curl -s -H 'Authorization: Bearer {operator}' -H 'Content-Type: application/json' \
             -d '{{\"amount\":20000,\"kind\":\"cash\"}}' {url}/v1/accounts/{antiques}/credits"
        ));
        say(&format!("   curl -s -H 'Authorization: Bearer {antiques_key}' {url}/v1/orders"));
        let (_, _, _, clinic_key) = &self.customers[3];
        say("3. Ask what a protected host may do: the answer is signed, and a takeover is always allowed:");
        say(&format!(
            "   curl -s -H 'Authorization: Bearer {clinic_key}' -H 'Content-Type: application/json' \
             -d '{{\"host\":\"records-1\",\"nonce\":\"12345678\"}}' {url}/v1/validate"
        ));
        say("4. Take everything along in a file that verifies without this server:");
        say(&format!(
            "   curl -s -X POST -H 'Authorization: Bearer {clinic_key}' -H 'Content-Type: application/json' \
             -d '{{}}' {url}/v1/license-files > license.txt"
        ));
        say(&format!("   perennial license verify license.txt --at {} --root {}", self.now, self.root));
        say("5. Let the month end: what is monthly renews from the 1st to the 1st:");
        say(&format!(
            "   curl -s -H 'Authorization: Bearer {operator}' -H 'Content-Type: application/json' \
             -d '{{\"to\":\"2025-05-31T16:00:00Z\"}}' {url}/v1/test-clock/advance"
        ));
        let (_, _, _, harbor_key) = &self.customers[0];
        say(&format!("   curl -s -H 'Authorization: Bearer {harbor_key}' '{url}/v1/resources?product=uhost'"));
        say("");
        say("Ctrl-C ends the demo. `perennial demo --story` tells how it all works, line by line.");
    }
}

/// Buys DR licenses, protects hosts with some of them, and brings one host back.
async fn protect(engine: &Engine, id: AccountId) -> anyhow::Result<()> {
    let caller = Caller::Account(id);
    let purchase = Purchase {
        product: "dr".parse()?,
        plan: "monthly".parse()?,
        quantity: 10,
        length: Length::Terms(1),
        configuration: "{}".to_owned(),
        auto_renew: Some(true),
        terms_version: Some("2025-04".to_owned()),
    };
    let failbacks = Purchase {
        product: "failback".parse()?,
        plan: "standard".parse()?,
        quantity: 5,
        auto_renew: None,
        ..purchase.clone()
    };
    engine.buy(caller, id, purchase, None).await?;
    engine.buy(caller, id, failbacks, None).await?;
    for host in ["records-1", "records-2", "imaging", "reception"] {
        let wish = Wish { host: host.parse()?, name: None, license_id: None };
        engine.assign(caller, id, wish, None).await?;
    }
    let job = ("failback-1".parse()?, "records-2".parse()?);
    let started = engine.start_failback(caller, id, job, None).await?.into_inner();
    engine.commit_failback(caller, started.failback.id, None).await?;
    Ok(())
}

/// What makes a sample product special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    ///
    Exempt,
    /// C-6.
    NeverSuspended,
    /// A license that protects hosts (L-1).
    Dr,
    /// A license that pays for failbacks (L-1).
    Failback,
}

/// A product with plans `(code, unit, count, price)` in CNY.
///
/// # Errors
/// When the store cannot be written.
pub async fn sell(
    engine: &Engine,
    code: &str,
    name: &str,
    kind: Kind,
    plans: &[(&str, Unit, u32, i64)],
) -> anyhow::Result<()> {
    let draft = ProductDraft {
        code: code.parse()?,
        name: name.to_owned(),
        kind: match kind {
            Kind::Plain | Kind::Exempt | Kind::NeverSuspended => ProductKind::Resource,
            Kind::Dr => ProductKind::DrLicense,
            Kind::Failback => ProductKind::FailbackLicense,
        },
        exempt: kind == Kind::Exempt,
        align: true,
        suspend: if kind == Kind::NeverSuspended { Suspend::Never } else { Suspend::AfterWindow },
        release_when_off: false,
        durations: Durations::default(),
    };
    engine.put_product(Caller::Operator, draft).await?;
    for (plan, unit, count, price) in plans {
        let draft = PlanDraft {
            code: plan.parse()?,
            term: Term { unit: *unit, count: *count },
            price: Amount::new(*price)?,
            currency: "CNY".parse()?,
            effective_from: None,
            renewals_from: None,
        };
        engine.put_plan(Caller::Operator, code.parse()?, draft).await?;
    }
    Ok(())
}

/// An account with cash.
///
/// # Errors
/// When the store cannot be written.
pub async fn account(engine: &Engine, name: &str, cash: i64) -> anyhow::Result<AccountId> {
    let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
    let draft = AccountDraft { name: name.to_owned(), email, currency: "CNY".parse()?, credit_limit: Amount::ZERO };
    let id = engine.open_account(Caller::Operator, draft, None).await?.into_inner().account.id;
    recharge(engine, id, cash).await?;
    Ok(id)
}

/// Books cash.
///
/// # Errors
/// When the store cannot be written.
pub async fn recharge(engine: &Engine, id: AccountId, cash: i64) -> anyhow::Result<()> {
    let movement = (Amount::new(cash)?, CreditKind::Cash, Some("bank transfer".to_owned()));
    engine.credit(Caller::Operator, id, movement, None).await?;
    Ok(())
}

/// Buys one term.
///
/// # Errors
/// When it is refused.
pub async fn buy(
    engine: &Engine,
    id: AccountId,
    product: &str,
    plan: &str,
    quantity: u32,
) -> anyhow::Result<ResourceId> {
    let purchase = Purchase {
        product: product.parse()?,
        plan: plan.parse()?,
        quantity,
        length: Length::Terms(1),
        configuration: format!("{{\"name\":\"{product}-1\"}}"),
        auto_renew: None,
        terms_version: None,
    };
    let order = engine.buy(Caller::Account(id), id, purchase, None).await?.into_inner();
    order.resource_id.context("a purchase makes a resource")
}

/// Moves the clock to a local time.
///
/// # Errors
/// When the store cannot be written.
pub async fn advance(engine: &Engine, local: &str) -> anyhow::Result<()> {
    let to = engine.zone().read(local).with_context(|| format!("{local} is not a local time"))?;
    engine.advance(Caller::Operator, to, None).await?;
    Ok(())
}
