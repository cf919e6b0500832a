//! L-8: activation codes are signed, and used once.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::AccountId;
use domain::license::{Kind, Source};
use engine::{Caller, Error, LicenseView};
use store::Outcome;
use tokio::task::JoinSet;

use crate::holder::grant_of;
use crate::site::{Site, code_of, first, key, root};

/// Makes a code of three DR units, for everyone or for an account.
async fn make(site: &Site, account: Option<AccountId>) -> String {
    let made = site.engine.add_activation_code(Caller::Operator, account, (grant_of(Kind::Dr, 3, 2), None), None).await;
    made.unwrap().into_inner().text
}

async fn redeem(site: &Site, account: AccountId, text: &str) -> Result<LicenseView, Error> {
    Ok(site.engine.redeem(Caller::Account(account), account, text, None).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_callers_of_four_accounts_make_one_license() {
    let site = Arc::new(Site::licensing().await);
    let accounts = [site.account(0).await, site.account(0).await, site.account(0).await, site.account(0).await];
    let text = make(&site, None).await;

    let mut callers = JoinSet::new();
    accounts.into_iter().cycle().take(20).for_each(|account| {
        let (site, text) = (Arc::clone(&site), text.clone());
        callers.spawn(async move { redeem(&site, account, &text).await });
    });
    let results = callers.join_all().await;

    let (made, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let made: Vec<_> = made.into_iter().map(|made| made.unwrap().license).collect();
    assert_eq!(refused.into_iter().map(code_of).collect::<BTreeSet<_>>(), BTreeSet::from(["already_redeemed"]));
    assert_eq!(site.licenses().await, made);
    let [license] = &made[..] else { panic!("{made:#?}") };
    assert_eq!((license.kind, license.source, license.total), (Kind::Dr, Source::Code, 3));
    let codes = site.engine.activation_codes(Caller::Operator, first()).await.unwrap();
    let redemption = codes[0].redeemed.unwrap();
    assert_eq!((redemption.license_id, redemption.account_id), (license.id, license.account_id));
    site.check_books().await;
}

#[tokio::test]
async fn a_code_for_an_account_is_nothing_to_another() {
    let site = Site::licensing().await;
    let (ann, ben) = (site.account(0).await, site.account(0).await);
    let text = make(&site, Some(ben)).await;

    let refused = redeem(&site, ann, &text).await;
    let made = redeem(&site, ben, &format!("  {text}\n")).await.unwrap();

    assert_eq!(code_of(refused), "unknown_activation_code");
    assert_eq!(made.license.account_id, ben);
    site.check_books().await;
}

#[tokio::test]
async fn a_code_is_made_once_for_a_key_and_given_again() {
    let site = Site::licensing().await;
    let make = || {
        let grant = (grant_of(Kind::Failback, 1, 1), None);
        site.engine.add_activation_code(Caller::Operator, None, grant, key(None, "c", 1))
    };

    let made = make().await.unwrap();
    let again = make().await.unwrap();

    assert_eq!(again, Outcome::AlreadyDone(made.into_inner()));
    assert_eq!(site.engine.activation_codes(Caller::Operator, first()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeat_under_its_key_gives_the_license_of_then() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let text = make(&site, None).await;
    let redeem = || site.engine.redeem(Caller::Account(account), account, &text, key(Some(account), "r", 1));

    let made = redeem().await.unwrap();
    let again = redeem().await.unwrap();

    assert_eq!(again, Outcome::AlreadyDone(made.into_inner()));
    assert_eq!(site.licenses().await.len(), 1);
}

#[tokio::test]
async fn a_code_is_redeemed_in_time_or_not_at_all() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let until = Some(site.at("2025-06-01 00:00:00"));
    let made = || site.engine.add_activation_code(Caller::Operator, None, (grant_of(Kind::Dr, 1, 1), until), None);
    let (early, late) = (made().await.unwrap().into_inner().text, made().await.unwrap().into_inner().text);
    site.advance_to("2025-05-31 23:59:59").await;
    let in_time = redeem(&site, account, &early).await;
    site.advance_to("2025-06-01 00:00:00").await;

    let too_late = redeem(&site, account, &late).await;

    assert!(in_time.is_ok());
    assert_eq!(code_of(too_late), "expired");
}

#[tokio::test]
async fn what_we_did_not_sign_is_no_code() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let text = make(&site, None).await;
    let claims = seal::verify_code(&text, &site.engine.license_keys().await.unwrap(), site.engine.now()).unwrap();

    let forged = redeem(&site, account, &claims.sign(&root())).await;
    let nonsense = redeem(&site, account, "PERENNIAL-1234").await;
    let cut = redeem(&site, account, &text[..text.len() - 1]).await;

    assert_eq!((code_of(forged), code_of(nonsense)), ("unknown_key", "malformed_code"));
    assert!(cut.is_err());
    assert_eq!(site.licenses().await, []);
}

#[tokio::test]
async fn only_the_operator_makes_codes_and_sees_them() {
    let site = Site::licensing().await;
    let own = Caller::Account(site.account(0).await);

    let made = site.engine.add_activation_code(own, None, (grant_of(Kind::Dr, 1, 1), None), None).await;

    assert_eq!(code_of(made), "forbidden");
    assert_eq!(code_of(site.engine.activation_codes(own, first()).await), "forbidden");
}

#[tokio::test]
async fn a_code_that_could_make_no_license_is_not_made() {
    let site = Site::licensing().await;
    let make = |quantity, n_months, account| {
        let grant = (grant_of(Kind::Dr, quantity, n_months), None);
        site.engine.add_activation_code(Caller::Operator, account, grant, None)
    };

    assert_eq!(code_of(make(0, 1, None).await), "invalid_quantity");
    assert_eq!(code_of(make(10_001, 1, None).await), "invalid_quantity");
    assert_eq!(code_of(make(1, 0, None).await), "invalid_term");
    assert_eq!(code_of(make(1, 1, Some(AccountId::from_u128(1))).await), "not_found");
}
