//! A site with a catalog, and the operator's calls in a few words.

use std::sync::Arc;

use domain::desk::CreditKind;
use domain::id::{AccountId, ResourceId};
use domain::money::Amount;
use domain::order::{Order, OrderKind};
use domain::purchase::Purchase;
use domain::time::Instant;
use engine::signing::{self, Secret};
use engine::{AccountDraft, Caller, Engine, Error};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use seal::PrivateKey;
use store::{Idempotency, OrderFilter, Page};
use testkit::rules::{amount, books, purchase};
use testkit::store::{TempStore, sqlite};

pub const UHOST: &str = "uhost/thirty day 30 12000 CNY; uhost/monthly month 1 12000 CNY; gpu/hourly hour 1 100 CNY; \
                         ddos/thirty day 30 9000 CNY exempt";

/// Licenses by the month and by 30 days, and a host.
pub const LICENSES: &str = "dr/monthly month 1 100 CNY dr; dr/thirty day 30 100 CNY dr; fb/quarter month 3 50 CNY failback; \
                            uhost/thirty day 30 12000 CNY";

/// The vendor that signs.
pub const ISSUER: &str = "https://vendor.example";

/// The root key of the site, which lies in a safe.
pub fn root() -> PrivateKey {
    PrivateKey::from_bytes(&[1; 32])
}

/// The secret that locks the signing keys.
pub fn secret() -> Secret {
    Secret::new(&[5; 32])
}

/// A site in Asia/Shanghai.
#[derive(Debug)]
pub struct Site {
    pub temp: TempStore,
    pub engine: Engine,
}

impl Site {
    /// A site that sells [`UHOST`], at 8 May 2025 10:00.
    pub async fn open() -> Self {
        Self::selling(UHOST).await
    }

    pub async fn selling(goods: &str) -> Self {
        let temp = sqlite("Asia/Shanghai", "2025-05-08T02:00:00Z");
        temp.sells(&books("Asia/Shanghai", goods)).await;
        let engine = temp.engine();
        Self { temp, engine }
    }

    /// A site that sells [`LICENSES`] and has signing keys.
    pub async fn licensing() -> Self {
        let Self { temp, engine } = Self::selling(LICENSES).await;
        let (zone, now) = (Arc::clone(&temp.zone), engine.now());
        let first = move |ring, _| signing::first_keys(&ring, &root(), &secret(), ISSUER, &zone, now);
        temp.store.transact_keys(first).await.unwrap();
        Self { temp, engine: engine.with_secret(secret()) }
    }

    /// The process ends and starts again at the same instant.
    pub async fn restart(self) -> Self {
        let Self { temp, engine } = self;
        drop(engine);
        let temp = temp.restart().await;
        let engine = temp.engine().with_secret(secret());
        Self { temp, engine }
    }

    pub fn at(&self, local: &str) -> Instant {
        self.temp.zone.read(local).unwrap()
    }

    pub fn show(&self, instant: Instant) -> String {
        self.temp.zone.show(instant)
    }

    pub async fn advance_to(&self, local: &str) {
        self.engine.advance(Caller::Operator, self.at(local), None).await.unwrap();
    }

    /// Moves the clock as if we were down until then.
    pub fn down_until(&self, local: &str) {
        self.temp.stand_at(self.at(local));
    }

    pub async fn account(&self, cash: i64) -> AccountId {
        let id = self.engine.open_account(Caller::Operator, account_draft(), None).await.unwrap();
        let id = id.into_inner().account.id;
        self.credit(id, cash).await.unwrap();
        id
    }

    pub async fn credit(&self, id: AccountId, cash: i64) -> Result<(), Error> {
        if cash == 0 {
            return Ok(());
        }
        let money = (amount(cash), CreditKind::Cash, None);
        self.engine.credit(Caller::Operator, id, money, None).await.map(drop)
    }

    pub async fn buy(&self, caller: Caller, id: AccountId, bought: Purchase) -> Result<Order, Error> {
        Ok(self.engine.buy(caller, id, bought, None).await?.into_inner())
    }

    /// Buys one term with the switch on.
    pub async fn buys(&self, id: AccountId, plan: &str) -> ResourceId {
        self.buy(Caller::Account(id), id, purchase(plan)).await.unwrap().resource_id.unwrap()
    }

    pub async fn cash(&self, id: AccountId) -> i64 {
        self.engine.balance(Caller::Operator, id).await.unwrap().wallet.cash.minor()
    }

    pub async fn expiry(&self, id: ResourceId) -> String {
        self.show(self.engine.resource(Caller::Operator, id).await.unwrap().resource.expires_at)
    }

    /// The orders of a kind.
    pub async fn orders(&self, kind: OrderKind) -> Vec<Order> {
        let filter = OrderFilter { kind: Some(kind), ..OrderFilter::default() };
        self.engine.orders(Caller::Operator, filter, first()).await.unwrap()
    }

    /// Every row that breaks an invariant.
    pub async fn check_books(&self) {
        assert_eq!(self.engine.store().verify().await.unwrap(), []);
    }
}

pub fn account_draft() -> AccountDraft {
    AccountDraft {
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        currency: "CNY".parse().unwrap(),
        credit_limit: Amount::ZERO,
    }
}

/// The first page of a list, as long as a list may be.
pub fn first<C>() -> Page<C> {
    Page { after: None, limit: 10_000 }
}

pub fn key(scope: Option<AccountId>, key: &str, fingerprint: u8) -> Option<Idempotency> {
    Some(Idempotency { scope, key: key.to_owned(), fingerprint: [fingerprint; 32], lasting: false })
}

/// The stable code of what went wrong.
pub fn code_of<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::NotFound => "not_found",
        Error::Forbidden => "forbidden",
        Error::Refused(refusal) => refusal.code().0,
        Error::KeyReused => "idempotency_key_reused",
        Error::Conflict(_) => "conflict",
        Error::Trouble(_) => "trouble",
        Error::Bug(_) => "bug",
    }
}

/// The same cases in every run; `PROPTEST_CASES=5000` asks for so many others.
pub fn cases(n: u32) -> ProptestConfig {
    let explores = std::env::var_os("PROPTEST_CASES").is_some();
    let same = ProptestConfig {
        cases: n,
        rng_seed: RngSeed::Fixed(0),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if explores { ProptestConfig::default() } else { same }
}
