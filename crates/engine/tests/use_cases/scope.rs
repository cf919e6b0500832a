//! Who may do what: a foreign thing does not exist, and a customer is not the operator.

use domain::calendar::Unit;
use domain::catalog::{Durations, PlanDraft, ProductDraft, ProductKind, Suspend, Term};
use domain::desk::{AccountEdit, CreditKind};
use domain::id::{AccountId, FreezeId, OrderId, ResourceId};
use domain::order::Trigger;
use engine::{Caller, RenewalItem};
use store::{EventFilter, OrderFilter, ResourceFilter};
use testkit::rules::{amount, code, one_term, purchase};

use crate::site::{Site, account_draft, code_of, first};

/// Two customers; the second has a resource and the order of its purchase.
struct Neighbors {
    site: Site,
    ann: Caller,
    ben: AccountId,
    resource: ResourceId,
    order: OrderId,
}

async fn neighbors() -> Neighbors {
    let site = Site::open().await;
    let (ann, ben) = (site.account(50_000).await, site.account(50_000).await);
    let order = site.buy(Caller::Account(ben), ben, purchase("uhost/thirty")).await.unwrap();
    Neighbors { site, ann: Caller::Account(ann), ben, resource: order.resource_id.unwrap(), order: order.id }
}

#[tokio::test]
async fn the_account_of_somebody_else_is_not_found() {
    let Neighbors { site, ann, ben, .. } = neighbors().await;
    let engine = &site.engine;

    assert_eq!(code_of(engine.account(ann, ben).await), "not_found");
    assert_eq!(code_of(engine.balance(ann, ben).await), "not_found");
    assert_eq!(code_of(engine.entries(ann, ben, first()).await), "not_found");
    assert_eq!(code_of(engine.forecast(ann, ben, 30).await), "not_found");
    assert_eq!(code_of(site.buy(ann, ben, purchase("uhost/thirty")).await), "not_found");
}

#[tokio::test]
async fn the_resource_of_somebody_else_is_not_found() {
    let Neighbors { site, ann, ben, resource, order } = neighbors().await;
    let engine = &site.engine;

    assert_eq!(code_of(engine.resource(ann, resource).await), "not_found");
    assert_eq!(code_of(engine.switch(ann, resource, false, None).await), "not_found");
    assert_eq!(code_of(engine.renew(ann, resource, one_term(), None).await), "not_found");
    assert_eq!(code_of(engine.preview(ann, resource, one_term()).await), "not_found");
    assert_eq!(code_of(engine.delete(ann, resource).await), "not_found");
    assert_eq!(code_of(engine.attempts(ann, resource, first()).await), "not_found");
    assert_eq!(code_of(engine.order(ann, order).await), "not_found");
    let items = vec![RenewalItem { id: resource, choice: one_term() }];
    assert_eq!(code_of(engine.renew_many(ann, items, None).await.unwrap().remove(0).result), "not_found");
    assert_eq!(
        code_of(engine.switch_many(ann, vec![resource], false, None).await.unwrap().remove(0).result),
        "not_found"
    );
    let untouched = engine.resource(Caller::Account(ben), resource).await.unwrap().resource;
    assert!(untouched.auto_renew);
    assert_eq!(site.cash(ben).await, 38_000);
}

#[tokio::test]
async fn the_lists_of_a_customer_show_their_own() {
    let Neighbors { site, ann, ben, resource, order } = neighbors().await;
    let engine = &site.engine;
    let own = Caller::Account(ben);

    let resources = engine.resources(own, ResourceFilter::default(), first()).await.unwrap();
    let orders = engine.orders(own, OrderFilter::default(), first()).await.unwrap();
    let events = engine.events(own, EventFilter::default(), first()).await.unwrap();

    assert_eq!(resources.iter().map(|view| view.resource.id).collect::<Vec<_>>(), [resource]);
    assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), [order]);
    assert!(events.iter().all(|event| event.account_id == ben) && !events.is_empty());
    assert_eq!(engine.resources(ann, ResourceFilter::default(), first()).await.unwrap(), []);
    assert_eq!(engine.orders(ann, OrderFilter::default(), first()).await.unwrap(), []);
}

#[tokio::test]
async fn a_list_of_somebody_else_is_not_found() {
    let Neighbors { site, ann, ben, .. } = neighbors().await;
    let (engine, account_id) = (&site.engine, Some(ben));

    let resources = ResourceFilter { account_id, ..ResourceFilter::default() };
    assert_eq!(code_of(engine.resources(ann, resources, first()).await), "not_found");
    let orders = OrderFilter { account_id, ..OrderFilter::default() };
    assert_eq!(code_of(engine.orders(ann, orders, first()).await), "not_found");
    let events = EventFilter { account_id, ..EventFilter::default() };
    assert_eq!(code_of(engine.events(ann, events, first()).await), "not_found");
}

#[tokio::test]
async fn what_the_operator_does_is_forbidden_to_a_customer() {
    let Neighbors { site, ben, .. } = neighbors().await;
    let (engine, own) = (&site.engine, Caller::Account(ben));

    assert_eq!(code_of(engine.open_account(own, account_draft(), None).await), "forbidden");
    assert_eq!(code_of(engine.accounts(own, first()).await), "forbidden");
    assert_eq!(code_of(engine.edit_account(own, ben, AccountEdit::default()).await), "forbidden");
    let money = (amount(5), CreditKind::Cash, None);
    assert_eq!(code_of(engine.credit(own, ben, money, None).await), "forbidden");
    assert_eq!(code_of(engine.freeze(own, ben, (amount(5), String::new()), None).await), "forbidden");
    assert_eq!(code_of(engine.lift_freeze(own, ben, FreezeId::from_u128(1)).await), "forbidden");
    assert_eq!(code_of(engine.put_product(own, product()).await), "forbidden");
    assert_eq!(code_of(engine.put_plan(own, code("uhost"), plan()).await), "forbidden");
    assert_eq!(code_of(engine.advance(own, site.at("2026-01-01 00:00:00"), None).await), "forbidden");
    assert_eq!(code_of(engine.add_account_key(own, ben, "k".to_owned(), None).await), "forbidden");
}

fn product() -> ProductDraft {
    ProductDraft {
        code: code("new"),
        name: "New".to_owned(),
        kind: ProductKind::Resource,
        exempt: false,
        align: true,
        suspend: Suspend::AfterWindow,
        release_when_off: false,
        durations: Durations::default(),
    }
}

fn plan() -> PlanDraft {
    PlanDraft {
        code: code("thirty"),
        term: Term { unit: Unit::Day, count: 30 },
        price: amount(1),
        currency: "CNY".parse().unwrap(),
        effective_from: None,
        renewals_from: None,
    }
}

#[tokio::test]
async fn the_operator_acts_on_every_account_and_is_named_in_the_order() {
    let Neighbors { site, ben, resource, order, .. } = neighbors().await;

    let renewed = site.engine.renew(Caller::Operator, resource, one_term(), None).await.unwrap().into_inner();

    assert_eq!(renewed.order.trigger, Trigger::Operator);
    assert_eq!(site.engine.order(Caller::Operator, order).await.unwrap().trigger, Trigger::Customer);
    assert_eq!(site.cash(ben).await, 26_000);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_for_the_operator_either() {
    let site = Site::open().await;
    let engine = &site.engine;

    assert_eq!(code_of(engine.account(Caller::Operator, AccountId::from_u128(1)).await), "not_found");
    assert_eq!(code_of(engine.resource(Caller::Operator, ResourceId::from_u128(1)).await), "not_found");
    assert_eq!(code_of(engine.order(Caller::Operator, OrderId::from_u128(1)).await), "not_found");
    assert_eq!(code_of(site.credit(AccountId::from_u128(1), 5).await), "not_found");
    let account = site.account(0).await;
    assert_eq!(code_of(engine.lift_freeze(Caller::Operator, account, FreezeId::from_u128(1)).await), "not_found");
    assert_eq!(code_of(engine.product(code("nosuch"))), "not_found");
}

#[tokio::test]
async fn a_freeze_of_another_account_is_not_found() {
    let Neighbors { site, ann: Caller::Account(ann), ben, .. } = neighbors().await else {
        panic!("Ann has an account")
    };
    let reason = (amount(5), "a dispute".to_owned());
    let freeze = site.engine.freeze(Caller::Operator, ben, reason, None).await.unwrap().into_inner();

    assert_eq!(code_of(site.engine.lift_freeze(Caller::Operator, ann, freeze.id).await), "not_found");
}
