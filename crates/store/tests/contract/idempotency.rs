//! B-8: a repeat under the same key gives the same answer and does nothing.

use std::convert::Infallible;

use domain::change::ChangeSet;
use domain::desk::{CreditKind, credit};
use domain::id::AccountId;
use domain::money::Amount;
use domain::renewal::Books;
use store::{ApiKey, Idempotency, Outcome, TransactError, Wanted};
use testkit::rules::amount;
use testkit::store::TempStore;

use crate::shop::{Shop, new_account, unchanged};

fn key(scope: Option<AccountId>, key: &str, fingerprint: u8) -> Idempotency {
    Idempotency { scope, key: key.to_owned(), fingerprint: [fingerprint; 32], lasting: false }
}

/// Credits ten under a key, and answers with a number.
async fn credit_ten(
    shop: &Shop,
    account: AccountId,
    idempotency: Idempotency,
    answer: u32,
) -> Result<Outcome<u32>, TransactError<Infallible>> {
    let zone = std::sync::Arc::clone(&shop.temp.zone);
    let done = shop.store().transact(account, Wanted::default(), Some(idempotency), move |view, desk| {
        let books = Books { zone: &zone, catalog: desk.catalog };
        let mut draft = domain::draft::Draft::new(books, view, desk.ids, desk.now);
        credit(&mut draft, amount(10), CreditKind::Cash, None).unwrap();
        Ok((draft.finish(), answer))
    });
    done.await
}

pub async fn a_repeat_gives_the_answer_of_then_and_decides_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let one_key = || key(Some(account), "k", 1);

    let done = credit_ten(&shop, account, one_key(), 1).await.unwrap();
    let never =
        |_, _: &mut store::Desk<'_>| -> Result<(ChangeSet, u32), Infallible> { panic!("a repeat decides nothing") };
    let repeated = shop.store().transact(account, Wanted::default(), Some(one_key()), never).await.unwrap();

    assert_eq!((done, repeated), (Outcome::Done(1), Outcome::AlreadyDone(1)));
    assert_eq!(shop.cash(account).await, 10);
}

pub async fn the_same_key_for_another_request_is_refused(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    credit_ten(&shop, account, key(None, "k", 1), 1).await.unwrap();

    let refused = credit_ten(&shop, account, key(None, "k", 2), 2).await;

    assert!(matches!(refused, Err(TransactError::KeyReused)), "{refused:?}");
    assert_eq!(shop.cash(account).await, 10);
}

pub async fn each_caller_has_keys_of_their_own(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    let scopes = [None, Some(account), Some(other)];

    let [operator, own, others] = scopes.map(|scope| credit_ten(&shop, account, key(scope, "k", 1), 1));

    let outcomes = [operator.await.unwrap(), own.await.unwrap(), others.await.unwrap()];
    assert_eq!(outcomes, [Outcome::Done(1); 3]);
    assert_eq!(shop.cash(account).await, 30);
}

pub async fn a_refusal_is_not_kept(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let no = |_, _: &mut store::Desk<'_>| -> Result<(ChangeSet, u32), &str> { Err("no") };
    let refused = shop.store().transact(account, Wanted::default(), Some(key(None, "k", 1)), no).await;

    let done = credit_ten(&shop, account, key(None, "k", 2), 7).await.unwrap();

    assert!(matches!(refused, Err(TransactError::Refused("no"))), "{refused:?}");
    assert_eq!(done, Outcome::Done(7));
}

pub async fn what_a_constraint_refuses_is_not_kept(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let overdraw = |view: domain::change::View, _: &mut store::Desk<'_>| {
        let changes = unchanged(&view);
        let wallet = domain::account::Wallet { cash: amount(-1), ..changes.wallet };
        Ok::<_, Infallible>((ChangeSet { wallet, ..changes }, 0_u32))
    };
    let refused = shop.store().transact(account, Wanted::default(), Some(key(None, "k", 1)), overdraw).await;

    let done = credit_ten(&shop, account, key(None, "k", 1), 7).await.unwrap();

    assert!(matches!(refused, Err(TransactError::Bug(_))), "{refused:?}");
    assert_eq!(done, Outcome::Done(7));
}

pub async fn many_repeats_at_once_are_done_once(temp: TempStore) {
    let shop = std::sync::Arc::new(Shop::open(temp).await);
    let account = shop.account(0).await;

    let mut requests = tokio::task::JoinSet::new();
    (0..20).for_each(|answer| {
        let shop = std::sync::Arc::clone(&shop);
        requests.spawn(async move { credit_ten(&shop, account, key(None, "k", 1), answer).await.unwrap() });
    });
    let outcomes = requests.join_all().await;

    let done: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).collect();
    let answers: std::collections::BTreeSet<_> = outcomes.iter().map(|outcome| outcome.into_inner()).collect();
    assert_eq!((done.len(), answers.len()), (1, 1), "{outcomes:?}");
    assert_eq!(shop.cash(account).await, 10);
}

pub async fn an_account_is_opened_once_for_a_key(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let open = |desk: &mut store::Desk<'_>| {
        let account = new_account(desk);
        Ok::<_, Infallible>((ChangeSet::opening(account.clone(), Amount::ZERO), account))
    };

    let opened = shop.store().open_account(Some(key(None, "k", 1)), open).await.unwrap();
    let again = shop.store().open_account(Some(key(None, "k", 1)), open).await.unwrap();

    assert_eq!(again, Outcome::AlreadyDone(opened.into_inner()));
    assert_eq!(shop.store().accounts(crate::shop::first()).await.unwrap().len(), 1);
}

pub async fn an_api_key_is_made_once_for_a_key(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let make = |hash: u8| {
        move |desk: &mut store::Desk<'_>| ApiKey {
            id: desk.ids.next(desk.now, domain::id::Shard(0)),
            account_id: None,
            name: "one".to_owned(),
            hash: [hash; 32],
            created_at: desk.now,
        }
    };

    let made = shop.store().add_api_key(Some(key(None, "k", 1)), make(1)).await.unwrap();
    let again = shop.store().add_api_key(Some(key(None, "k", 1)), make(2)).await.unwrap();

    assert_eq!(again, Outcome::AlreadyDone(made.into_inner()));
    assert_eq!(shop.store().api_key([2; 32]).await.unwrap(), None);
}

pub async fn keys_last_over_a_restart(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    credit_ten(&shop, account, key(None, "k", 1), 5).await.unwrap();

    let shop = shop.restart().await;

    assert_eq!(credit_ten(&shop, account, key(None, "k", 1), 6).await.unwrap(), Outcome::AlreadyDone(5));
}

pub async fn a_claimed_key_means_one_request(temp: TempStore) {
    let shop = Shop::open(temp).await;

    shop.store().claim_key(key(None, "k", 1)).await.unwrap();
    shop.store().claim_key(key(None, "k", 1)).await.unwrap();

    let refused = shop.store().claim_key(key(None, "k", 2)).await;
    assert!(matches!(refused, Err(TransactError::KeyReused)), "{refused:?}");
}

pub async fn lasting_keys_are_never_forgotten(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let lasting = |name, fingerprint| Idempotency { lasting: true, ..key(Some(account), name, fingerprint) };
    credit_ten(&shop, account, lasting("for ever", 1), 1).await.unwrap();
    credit_ten(&shop, account, key(Some(account), "for a week", 1), 1).await.unwrap();
    shop.stand_at("2099-01-01 00:00:00");

    let n_forgotten = shop.store().forget_idempotency(shop.now()).await.unwrap();
    let shop = shop.restart().await;

    assert_eq!(n_forgotten, 1);
    let again = |idempotency| credit_ten(&shop, account, idempotency, 2);
    assert_eq!(again(lasting("for ever", 1)).await.unwrap(), Outcome::AlreadyDone(1));
    // What asks again need not know that it lasts.
    assert_eq!(again(key(Some(account), "for ever", 1)).await.unwrap(), Outcome::AlreadyDone(1));
    let reused = again(lasting("for ever", 2)).await;
    assert!(matches!(reused, Err(TransactError::KeyReused)), "{reused:?}");
    assert_eq!(again(key(Some(account), "for a week", 1)).await.unwrap(), Outcome::Done(2));
}

pub async fn an_activation_code_is_made_once_for_a_key(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let made = shop.makes_code(None).await;
    let make = |id: u128| {
        let made = made.clone();
        move |_: &mut store::Desk<'_>| domain::activation::ActivationCode { id: domain::id::Id::from_u128(id), ..made }
    };

    let first = shop.store().add_activation_code(Some(key(None, "k", 1)), make(1)).await.unwrap();
    let again = shop.store().add_activation_code(Some(key(None, "k", 1)), make(2)).await.unwrap();

    assert_eq!(again, Outcome::AlreadyDone(first.into_inner()));
    assert_eq!(shop.store().activation_codes(crate::shop::first()).await.unwrap().len(), 2);
}

pub async fn old_keys_are_forgotten(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    credit_ten(&shop, account, key(None, "old", 1), 1).await.unwrap();
    shop.stand_at("2025-05-09 10:00:00");
    credit_ten(&shop, account, key(None, "new", 1), 1).await.unwrap();

    let n_forgotten = shop.store().forget_idempotency(shop.now()).await.unwrap();

    assert_eq!(n_forgotten, 1);
    assert_eq!(credit_ten(&shop, account, key(None, "old", 2), 2).await.unwrap(), Outcome::Done(2));
    assert_eq!(credit_ten(&shop, account, key(None, "new", 1), 2).await.unwrap(), Outcome::AlreadyDone(1));
}
