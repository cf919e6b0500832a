//! The use cases over a database and the rules in memory live the same life: what a decision needs is loaded, what it
//! decides is stored.

use domain::account::Wallet;
use domain::desk::CreditKind;
use domain::id::{AccountId, ResourceId};
use domain::purchase::Purchase;
use domain::renewal::{Choice, Length};
use domain::resource::Resource;
use engine::{AccountDraft, Caller};
use proptest::prelude::*;
use store::ResourceFilter;
use testkit::rules::{Life, amount, books, one_term, purchase};

use crate::site::{Site, account_draft, cases, first};

const GOODS: &str = "uhost/thirty day 30 12000 CNY; uhost/monthly month 1 10000 CNY; gpu/six hour 6 50 CNY; \
                     ddos/three day 3 900 CNY exempt; dns/week day 7 700 CNY suspend=never; \
                     scratch/day day 1 100 CNY suspend_after=PT6H release_after=P2D";

const PLANS: [&str; 6] = ["uhost/thirty", "uhost/monthly", "gpu/six", "ddos/three", "dns/week", "scratch/day"];

#[derive(Debug, Clone)]
enum Step {
    Credit(i64),
    Gift(i64),
    Buy(Purchase),
    Switch(prop::sample::Index, bool),
    Renew(prop::sample::Index, Choice),
    Delete(prop::sample::Index),
    Advance(i64),
    GoDown(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let buy = (prop::sample::select(&PLANS[..]), any::<bool>())
        .prop_map(|(plan, on)| Step::Buy(Purchase { auto_renew: Some(on), ..purchase(plan) }));
    let choice = (1..3_u32).prop_map(|terms| Choice { length: Length::Terms(terms), ..one_term() });
    prop_oneof![
        3 => (1..20_000_i64).prop_map(Step::Credit),
        1 => (1..9_000_i64).prop_map(Step::Gift),
        4 => buy,
        2 => (index(), any::<bool>()).prop_map(|(index, on)| Step::Switch(index, on)),
        2 => (index(), choice).prop_map(|(index, choice)| Step::Renew(index, choice)),
        1 => index().prop_map(Step::Delete),
        5 => (1..1_500_000_i64).prop_map(Step::Advance),
        2 => (1..1_500_000_i64).prop_map(Step::GoDown),
    ]
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_database_and_the_rules_in_memory_agree_after_every_step(steps in prop::collection::vec(any_step(), 4..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(&steps));
    }
}

/// The same account twice.
struct Twins {
    site: Site,
    account: AccountId,
    life: Life,
}

async fn live(steps: &[Step]) {
    let site = Site::selling(GOODS).await;
    let draft = AccountDraft { ..account_draft() };
    let account = site.engine.open_account(Caller::Operator, draft, None).await.unwrap().into_inner().account.id;
    let life = Life::new(books("Asia/Shanghai", GOODS), "2025-05-08 10:00:00");
    let mut twins = Twins { site, account, life };
    for step in steps {
        twins.take(step).await;
        twins.check(step).await;
    }
    twins.site.check_books().await;
}

impl Twins {
    /// The ids of one resource in both, by its place in the order of purchase.
    async fn some(&self, index: &prop::sample::Index) -> Option<(ResourceId, ResourceId)> {
        let (stored, remembered) = (self.stored().await, self.life.resources());
        (!stored.is_empty()).then(|| index.index(stored.len())).map(|place| (stored[place].id, remembered[place].id))
    }

    async fn stored(&self) -> Vec<Resource> {
        let found = self.site.engine.resources(Caller::Operator, ResourceFilter::default(), first()).await.unwrap();
        found.into_iter().map(|view| view.resource).collect()
    }

    /// Does the step twice; both are done, or both are refused.
    async fn take(&mut self, step: &Step) {
        let (engine, account) = (self.site.engine.clone(), self.account);
        match step {
            Step::Credit(minor) => {
                let money = (amount(*minor), CreditKind::Cash, None);
                engine.credit(Caller::Operator, account, money, None).await.unwrap();
                self.life.credit(*minor);
            }
            Step::Gift(minor) => {
                let money = (amount(*minor), CreditKind::Gift, None);
                engine.credit(Caller::Operator, account, money, None).await.unwrap();
                self.life.gift(*minor);
            }
            Step::Buy(purchase) => {
                let bought = engine.buy(Caller::Operator, account, purchase.clone(), None).await;
                assert_eq!(bought.is_ok(), self.life.buy(purchase.clone()).is_ok());
            }
            Step::Switch(index, on) => {
                if let Some((stored, remembered)) = self.some(index).await {
                    let switched = engine.switch(Caller::Operator, stored, *on, None).await;
                    assert_eq!(switched.is_ok(), self.life.switch(remembered, *on).is_ok());
                }
            }
            Step::Renew(index, choice) => {
                if let Some((stored, remembered)) = self.some(index).await {
                    let renewed = engine.renew(Caller::Operator, stored, *choice, None).await;
                    assert_eq!(renewed.is_ok(), self.life.renew(remembered, *choice).is_ok());
                }
            }
            Step::Delete(index) => {
                if let Some((stored, remembered)) = self.some(index).await {
                    let deleted = engine.delete(Caller::Operator, stored).await;
                    assert_eq!(deleted.is_ok(), self.life.delete(remembered).is_ok());
                }
            }
            Step::Advance(seconds) => {
                let to = self.life.now().plus_seconds(*seconds);
                engine.advance(Caller::Operator, to, None).await.unwrap();
                self.life.advance_to_instant(to);
            }
            Step::GoDown(seconds) => {
                let to = self.life.now().plus_seconds(*seconds);
                self.site.temp.stand_at(to);
                while engine.do_due_batch().await.unwrap().n_accounts > 0 {}
                self.life.down_until_instant(to);
            }
        }
    }

    async fn check(&self, step: &Step) {
        let wallet: Wallet = self.site.engine.balance(Caller::Operator, self.account).await.unwrap().wallet;
        assert_eq!(&wallet, self.life.wallet(), "after {step:?}");
        let stored: Vec<_> = self.stored().await.iter().map(without_ids).collect();
        let remembered: Vec<_> = self.life.resources().iter().map(without_ids).collect();
        assert_eq!(stored, remembered, "after {step:?}");
    }
}

/// Ids are drawn, and differ between the two.
fn without_ids(resource: &Resource) -> Resource {
    Resource { id: ResourceId::from_u128(0), account_id: AccountId::from_u128(0), ..resource.clone() }
}
