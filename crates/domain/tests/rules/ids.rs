//! Ids: strictly increasing, with the shard of their account, the same order as text.

use domain::id::{AccountId, EventId, Ids, OrderId, ResourceId, Shard};
use domain::time::Instant;
use proptest::prelude::*;

use super::zones::cases;

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(seconds).unwrap()
}

fn now() -> Instant {
    "2019-05-15T09:58:00Z".parse().unwrap()
}

/// Ids for a list of instants and shards.
fn ids_of(seed: u64, last: u128, steps: &[(i64, u8)]) -> Vec<OrderId> {
    let mut ids = Ids::seeded(seed, last);
    steps.iter().map(|(seconds, shard)| ids.next(at(*seconds), Shard(*shard))).collect()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn ids_rise_whatever_the_clock_does(seed: u64, last: u128, steps in prop::collection::vec((0..4_000_000_000_i64, any::<u8>()), 1..60)) {
        // Half of the id's milliseconds are left for what comes after the last one.
        let last = last >> 1;
        let ids = ids_of(seed, last, &steps);

        prop_assert!(ids.is_sorted_by(|earlier, later| earlier < later), "{ids:?}");
        prop_assert!(ids[0].as_u128() > last);
    }

    #[test]
    fn an_id_keeps_the_shard_that_it_was_made_for(seed: u64, steps in prop::collection::vec((0..4_000_000_000_i64, any::<u8>()), 1..20)) {
        let shards: Vec<_> = ids_of(seed, 0, &steps).iter().map(|id| id.shard()).collect();

        prop_assert_eq!(shards, steps.iter().map(|(_, shard)| Shard(*shard)).collect::<Vec<_>>());
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_time(seed: u64, seconds in 1..4_000_000_000_i64, shard: u8) {
        let id = ids_of(seed, 0, &[(seconds, shard)])[0];
        let uuid = uuid::Uuid::from_u128(id.as_u128());

        prop_assert_eq!(uuid.get_version_num(), 7);
        prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        prop_assert_eq!(uuid.get_timestamp().unwrap().to_unix().0, u64::try_from(seconds).unwrap());
    }

    #[test]
    fn text_is_read_back_as_the_same_id(value: u128) {
        let id = ResourceId::from_u128(value);

        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn text_sorts_as_ids_do(one: u128, other: u128) {
        let (one, other) = (ResourceId::from_u128(one), ResourceId::from_u128(other));

        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn no_text_makes_the_parser_fail(text in "\\PC{0,40}") {
        let _ = text.parse::<ResourceId>();
    }
}

#[test]
fn many_ids_of_one_instant_rise() {
    let steps = vec![(1_557_914_280, 7); 20_000];

    let ids = ids_of(1, 0, &steps);

    assert!(ids.is_sorted_by(|earlier, later| earlier < later));
}

#[test]
fn an_id_has_the_prefix_of_its_kind() {
    let id: AccountId = Ids::seeded(1, 0).next(now(), Shard(3));

    assert!(id.to_string().starts_with("acc_"), "{id}");
    assert_eq!(id.to_string().len(), "acc_".len() + 26);
}

#[test]
fn an_id_of_another_kind_is_refused() {
    let order: OrderId = Ids::seeded(1, 0).next(now(), Shard(3));

    let refused = order.to_string().parse::<ResourceId>().unwrap_err();

    assert_eq!(refused.to_string(), "not an id with the prefix res_");
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let steps = [(1_557_914_280, 1), (1_557_914_280, 2), (1_557_914_281, 3)];

    assert_eq!(ids_of(9, 0, &steps), ids_of(9, 0, &steps));
    assert_ne!(ids_of(9, 0, &steps), ids_of(10, 0, &steps));
}

#[test]
fn ids_go_on_after_the_last_one_that_was_stored() {
    let last = ids_of(1, 0, &[(1_557_914_280, 1)])[0];

    let next: EventId = Ids::seeded(2, last.as_u128()).next(at(1_557_914_280), Shard(1));

    assert!(next.as_u128() > last.as_u128());
}

#[test]
fn the_shard_of_an_account_is_the_shard_of_all_that_is_made_for_it() {
    let mut ids = Ids::seeded(1, 0);
    let account = ids.next_account(now());

    let resource: ResourceId = ids.next(now(), account.shard());

    assert_eq!(resource.shard(), account.shard());
}
