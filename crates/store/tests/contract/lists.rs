//! Lists: in order, page by page, with filters.

use domain::change::ChangeSet;
use domain::holding::HoldingId;
use domain::id::{AccountId, LicenseId, OrderId, ResourceId};
use domain::order::{Order, OrderKind, OrderState};
use domain::purchase::Purchase;
use domain::resource::State;
use store::{EventFilter, OrderFilter, Page, ResourceFilter};
use testkit::rules::{code, purchase};
use testkit::store::TempStore;

use crate::shop::{Shop, first};

/// Two accounts, the first with three resources of which one has expired.
struct Sold {
    shop: Shop,
    accounts: [AccountId; 2],
    /// `uhost` and `dns` of the first account, `ddos` of the second, `uhost` with the switch off of the first.
    resources: [ResourceId; 4],
}

impl Sold {
    async fn on(temp: TempStore) -> Self {
        let shop = Shop::open(temp).await;
        let accounts = [shop.account(100_000).await, shop.account(100_000).await];
        let configuration = r#"{"name": "50%_off!"}"#.to_owned();
        let special = Purchase { auto_renew: Some(false), configuration, ..purchase("uhost/thirty") };
        let resources = [
            shop.buys(accounts[0], "uhost/monthly").await,
            shop.buys(accounts[0], "dns/thirty").await,
            shop.buys(accounts[1], "ddos/thirty").await,
            shop.buy(accounts[0], special).await.unwrap(),
        ];
        shop.advance_to("2025-06-07 12:00:00").await;
        Self { shop, accounts, resources }
    }

    async fn resources(&self, filter: ResourceFilter) -> Vec<ResourceId> {
        let found = self.shop.store().resources(&filter, first()).await.unwrap();
        found.iter().map(|resource| resource.id).collect()
    }

    async fn orders(&self, filter: OrderFilter) -> Vec<Order> {
        self.shop.store().orders(&filter, first()).await.unwrap()
    }
}

pub async fn accounts_oldest_first_page_by_page(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let mut ids = [shop.account(0).await, shop.account(0).await, shop.account(0).await];
    ids.sort();

    let page = |after, limit| shop.store().accounts(Page { after, limit });
    let id_of = |rows: Vec<store::AccountRow>| rows.iter().map(|row| row.account.id).collect::<Vec<_>>();

    assert_eq!(id_of(page(None, 2).await.unwrap()), ids[..2]);
    assert_eq!(id_of(page(Some(ids[1]), 2).await.unwrap()), ids[2..]);
    assert_eq!(id_of(page(Some(ids[2]), 2).await.unwrap()), []);
}

pub async fn resources_oldest_first_page_by_page(temp: TempStore) {
    let Sold { shop, resources, .. } = Sold::on(temp).await;
    let all = ResourceFilter::default();

    let page = |after, limit| shop.store().resources(&all, Page { after, limit });
    let id_of = |found: Vec<domain::resource::Resource>| found.iter().map(|resource| resource.id).collect::<Vec<_>>();

    assert_eq!(id_of(page(None, 3).await.unwrap()), resources[..3]);
    assert_eq!(id_of(page(Some(resources[2]), 3).await.unwrap()), resources[3..]);
}

pub async fn resources_by_account_state_switch_expiry_and_product(temp: TempStore) {
    let sold = Sold::on(temp).await;
    let [uhost, dns, ddos, off] = sold.resources;
    let all = ResourceFilter::default;

    assert_eq!(sold.resources(ResourceFilter { account_id: Some(sold.accounts[1]), ..all() }).await, [ddos]);
    assert_eq!(sold.resources(ResourceFilter { state: Some(State::Expired), ..all() }).await, [off]);
    assert_eq!(sold.resources(ResourceFilter { auto_renew: Some(true), ..all() }).await, [uhost, dns, ddos]);
    assert_eq!(sold.resources(ResourceFilter { product: Some(code("uhost")), ..all() }).await, [uhost, off]);
    let expiry = sold.shop.resource(off).await.expires_at;
    assert_eq!(sold.resources(ResourceFilter { expires_before: Some(expiry), ..all() }).await, []);
    let after = Some(expiry.plus_seconds(1));
    assert_eq!(sold.resources(ResourceFilter { expires_before: after, ..all() }).await, [off]);
    let both = ResourceFilter { product: Some(code("uhost")), auto_renew: Some(false), ..all() };
    assert_eq!(sold.resources(both).await, [off]);
}

pub async fn resources_by_text_that_means_itself(temp: TempStore) {
    let sold = Sold::on(temp).await;
    let [uhost, dns, ddos, off] = sold.resources;
    let with = |text: &str| ResourceFilter { text: Some(text.to_owned()), ..ResourceFilter::default() };

    assert_eq!(sold.resources(with("50%_off!")).await, [off]);
    assert_eq!(sold.resources(with("%")).await, [off]);
    assert_eq!(sold.resources(with("_")).await, [off]);
    assert_eq!(sold.resources(with("dns")).await, [dns]);
    assert_eq!(sold.resources(with("MONTHLY")).await, [uhost]);
    assert_eq!(sold.resources(with("d")).await.first(), Some(&dns));
    assert_eq!(sold.resources(with("'; drop table resource; --")).await, []);
    assert!(sold.resources(with("ddos thirty")).await.contains(&ddos));
}

pub async fn orders_by_account_resource_license_kind_and_state(temp: TempStore) {
    let sold = Sold::on(temp).await;
    let [uhost, .., off] = sold.resources;
    let all = OrderFilter::default;
    let about = |orders: &[Order]| orders.iter().map(|order| order.resource_id.unwrap()).collect::<Vec<_>>();
    let license = LicenseId::from_u128(99);
    let account = sold.accounts[1];
    let recharge = sold.orders(OrderFilter { account_id: Some(account), ..all() }).await.remove(0);
    let write = move |changes, desk: &mut store::Desk<'_>| {
        let id = desk.ids.next(desk.now, account.shard());
        let (kind, license_id) = (OrderKind::Recharge, Some(license));
        let state = OrderState::PendingPayment;
        ChangeSet { orders: vec![Order { id, kind, state, license_id, ..recharge }], ..changes }
    };
    let recharged = sold.shop.write(account, write).await.unwrap().orders;

    let orders = sold.orders(all()).await;
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(sold.orders(OrderFilter { account_id: Some(account), ..all() }).await.len(), 3);
    assert_eq!(about(&sold.orders(OrderFilter { resource_id: Some(off), ..all() }).await), [off]);
    assert_eq!(about(&sold.orders(OrderFilter { resource_id: Some(uhost), ..all() }).await), [uhost]);
    assert_eq!(sold.orders(OrderFilter { license_id: Some(license), ..all() }).await, recharged);
    assert_eq!(sold.orders(OrderFilter { kind: Some(OrderKind::Purchase), ..all() }).await.len(), 4);
    assert_eq!(sold.orders(OrderFilter { state: Some(OrderState::PendingPayment), ..all() }).await, recharged);
    let page = |after| Page { after, limit: 2 };
    let filter = OrderFilter { kind: Some(OrderKind::Purchase), ..all() };
    let first_page = sold.shop.store().orders(&filter, page(None)).await.unwrap();
    let second_page = sold.shop.store().orders(&filter, page(Some(first_page[1].id))).await.unwrap();
    assert_eq!(about(&[first_page, second_page].concat()), sold.resources);
}

pub async fn entries_by_number(temp: TempStore) {
    let Sold { shop, accounts, .. } = Sold::on(temp).await;

    let page = |after, limit| shop.store().entries(accounts[0], Page { after, limit });
    let numbers = |entries: Vec<domain::ledger::Entry>| entries.iter().map(|entry| entry.number).collect::<Vec<_>>();

    assert_eq!(numbers(page(None, 2).await.unwrap()), [1, 2]);
    assert_eq!(numbers(page(Some(2), 2).await.unwrap()), [3, 4]);
    assert_eq!(page(Some(u64::MAX), 2).await.unwrap(), []);
}

pub async fn attempts_of_one_resource(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(24_000).await;
    let ids = [shop.buys(account, "uhost/thirty").await, shop.buys(account, "uhost/thirty").await];
    shop.advance_to("2025-06-09 12:00:00").await;

    let attempts = shop.store().attempts(ids[1].into(), first()).await.unwrap();
    let page = Page { after: Some(attempts[0].id), limit: 1 };

    assert_eq!(attempts.iter().map(|attempt| attempt.holding).collect::<Vec<_>>(), [HoldingId::from(ids[1]); 3]);
    assert!(attempts.is_sorted_by(|one, next| one.id < next.id && one.at < next.at));
    assert_eq!(shop.store().attempts(ids[1].into(), page).await.unwrap(), attempts[1..2]);
}

pub async fn events_by_account_and_type(temp: TempStore) {
    let Sold { shop, accounts, resources } = Sold::on(temp).await;
    let all = EventFilter::default;
    let of = |filter: EventFilter, page| {
        let store = shop.store().clone();
        async move { store.events(&filter, page).await.unwrap() }
    };
    let activated = || EventFilter { kind: Some("resource.activated".to_owned()), ..all() };
    let subjects = |events: &[store::StoredEvent]| events.iter().map(|event| event.subject.clone()).collect::<Vec<_>>();

    let ids: Vec<_> = of(all(), first()).await.iter().map(|event| event.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(subjects(&of(activated(), first()).await), resources.map(|id| id.to_string()));
    let own = EventFilter { account_id: Some(accounts[1]), ..activated() };
    assert_eq!(subjects(&of(own, first()).await), [resources[2].to_string()]);
    let first_page = of(activated(), Page { after: None, limit: 3 }).await;
    let second_page = of(activated(), Page { after: Some(first_page[2].id), limit: 3 }).await;
    assert_eq!(subjects(&second_page), [resources[3].to_string()]);
    let of_account = of(EventFilter { account_id: Some(accounts[0]), ..all() }, Page { after: None, limit: 4 }).await;
    let rest = Page { after: Some(of_account[3].id), limit: 1_000 };
    let whole = of(EventFilter { account_id: Some(accounts[0]), ..all() }, first()).await;
    assert_eq!(of(EventFilter { account_id: Some(accounts[0]), ..all() }, rest).await, whole[4..]);
    assert_eq!(of(EventFilter { kind: Some("no.such".to_owned()), ..all() }, first()).await, []);
}

pub async fn live_resources_are_those_that_have_not_ended(temp: TempStore) {
    let sold = Sold::on(temp).await;
    let [uhost, dns, _, off] = sold.resources;
    let account = sold.accounts[0];
    let live = |until: &str| {
        let (store, until) = (sold.shop.store().clone(), sold.shop.at(until));
        async move {
            let mut ids: Vec<_> =
                store.live_resources(account, until).await.unwrap().iter().map(|resource| resource.id).collect();
            ids.sort();
            ids
        }
    };

    let all = live("2030-01-01 00:00:00").await;
    let soon = live("2025-06-08 00:00:00").await;
    let wanted = store::Wanted { resources: vec![off], ..store::Wanted::default() };
    let deleted = sold.shop.draft(account, wanted, move |draft| {
        let index = draft.position(off).unwrap();
        domain::desk::delete(draft, index, domain::order::Trigger::Customer)
    });
    deleted.await.unwrap();

    assert_eq!(all, [uhost, dns, off]);
    assert_eq!(soon, [off]);
    assert_eq!(live("2030-01-01 00:00:00").await, [uhost, dns]);
}

pub async fn a_resource_knows_its_account(temp: TempStore) {
    let Sold { shop, accounts, resources } = Sold::on(temp).await;

    assert_eq!(shop.store().account_of(resources[2].into()).await.unwrap(), Some(accounts[1]));
}

pub async fn what_is_not_there_is_none(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let store = shop.store();

    assert_eq!(store.account(AccountId::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.resource(ResourceId::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.account_of(ResourceId::from_u128(1).into()).await.unwrap(), None);
    assert_eq!(store.order(OrderId::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.entries(AccountId::from_u128(1), first()).await.unwrap(), []);
    assert_eq!(store.attempts(ResourceId::from_u128(1).into(), first()).await.unwrap(), []);
    assert_eq!(store.api_key([0; 32]).await.unwrap(), None);
    assert_eq!(store.next_due_at().await.unwrap(), None);
}
