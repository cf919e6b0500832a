//! B-3, B-5, B-6, R-15, W-3: money that comes from a payment platform.

use domain::activation::Intervention;
use domain::event::Body;
use domain::id::{LicenseId, OrderId, PaymentId};
use domain::ledger::{EntryReason, Postings};
use domain::license::State as LicenseState;
use domain::money::Currency;
use domain::order::{Order, OrderKind, OrderState, Trigger};
use domain::payment::{Finding, Input, Means, Mismatch, Payment, PlatformName, Receipt, State, next_look};
use domain::purchase::Purchase;
use domain::renewal::Length;
use domain::resource::Outcome;
use domain::settlement::{self, PaymentRefusal};
use expect_test::expect;
use proptest::prelude::*;
use testkit::rules::{Life, amount, license_purchase, purchase};

use super::zones::cases;
use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; uhost/monthly month 1 30000 CNY; uhost/thirty day 30 30000 CNY";
const START: &str = "2025-06-30 15:30:27";
/// The expiry of a license that was bought at [`START`].
const EXPIRY: &str = "2025-07-30 15:30:27";

/// An account with an order that a payment is asked for.
fn asked(what: Purchase) -> (Life, OrderId, PaymentId) {
    let mut life = shanghai(START, GOODS);
    let order = life.order(what).unwrap();
    let payment = life.begin(order.id, PlatformName::Sandbox).unwrap();
    (life, order.id, payment.id)
}

fn asked_for_dr() -> (Life, OrderId, PaymentId) {
    asked(license_purchase("dr/monthly", 1))
}

/// An account whose only DR license may be charged to a card; it was paid at [`START`].
fn with_card() -> (Life, LicenseId) {
    let (mut life, order, payment) = asked_for_dr();
    let receipt = life.receipt_with_card(payment);
    life.hear(payment, Finding::Paid(receipt));
    life.forget();
    let license = order_of(&life, order).license_id.unwrap();
    (life, license)
}

/// The same at its expiry: the card is charged.
fn charged() -> (Life, LicenseId, PaymentId) {
    let (mut life, license) = with_card();
    life.advance_to(EXPIRY);
    let payment = last_payment(&life);
    (life, license, payment)
}

fn last_payment(life: &Life) -> PaymentId {
    life.payments().last().unwrap().id
}

fn order_of(life: &Life, id: OrderId) -> &Order {
    life.orders().iter().find(|order| order.id == id).unwrap()
}

fn state_of(life: &Life, id: OrderId) -> OrderState {
    order_of(life, id).state
}

fn outcomes(life: &Life, id: LicenseId) -> Vec<Outcome> {
    life.attempts_of(id).iter().map(|attempt| attempt.outcome).collect()
}

fn expiry_of(life: &Life, id: LicenseId) -> String {
    life.show(life.license(id).expires_at)
}

fn failed(code: &str) -> Finding {
    Finding::Failed { reference: None, code: code.to_owned(), needs_payer: false }
}

fn needs_payer() -> Finding {
    Finding::Failed { reference: None, code: "authentication_required".to_owned(), needs_payer: true }
}

#[test]
fn every_state_takes_every_input() {
    let row = |state: State| {
        let cells: String = Input::ALL.iter().map(|input| format!(" {:<11}", state.apply(*input).name())).collect();
        format!("{:<11} |{}\n", state.name(), cells.trim_end())
    };
    let head: String = Input::ALL.iter().map(|input| format!(" {:<11}", format!("{input:?}"))).collect();
    let table: String = State::ALL.iter().map(|state| row(*state)).collect();

    expect![[r#"
                    | Wait        Process     Fail        Expire      Lose        Succeed     Quarantine
        created     | created     processing  failed      expired     unknown     succeeded   quarantined
        processing  | processing  processing  failed      expired     processing  succeeded   quarantined
        succeeded   | succeeded   succeeded   succeeded   succeeded   succeeded   succeeded   succeeded
        failed      | failed      failed      failed      failed      failed      succeeded   quarantined
        expired     | expired     expired     expired     expired     expired     succeeded   quarantined
        unknown     | created     processing  failed      expired     unknown     succeeded   quarantined
        quarantined | quarantined quarantined quarantined quarantined quarantined quarantined quarantined
    "#]]
    .assert_eq(&format!("{:<11} |{}\n{table}", "", head.trim_end()));
}

#[test]
fn what_is_known_of_money_is_never_unlearned() {
    let stays = |state: State| Input::ALL.iter().all(|input| state.apply(*input) == state);
    let finals: Vec<_> = State::ALL.into_iter().filter(|state| stays(*state)).collect();
    assert_eq!(finals, [State::Succeeded, State::Quarantined]);
    let reopens = |state: &State| !state.is_open() && Input::ALL.iter().any(|input| state.apply(*input).is_open());
    assert!(!State::ALL.iter().any(reopens));
}

/// The seconds after its start at which an open payment is asked about, when it waits, and when it never answers.
fn looks(life: &Life, payment: &Payment, closes_in: i64, is_silent: bool) -> String {
    let (start, closes_at) = (payment.created_at, payment.created_at.plus_seconds(closes_in));
    let mut payment = payment.clone();
    let mut now = life.now();
    let mut seconds = Vec::new();
    while seconds.len() < 14 {
        payment.n_silent += u32::from(is_silent);
        let Some(next) = next_look(&payment, closes_at, now) else { break };
        seconds.push(next.seconds_since(start).to_string());
        now = next;
    }
    if seconds.is_empty() { "never".to_owned() } else { seconds.join(" ") }
}

#[test]
fn an_open_payment_is_asked_about_again_and_again() {
    let (life, _, id) = asked_for_dr();
    let checkout = life.payment(id).clone();
    let charge = Payment { means: Means::OffSession, ..checkout.clone() };
    let transfer = Payment { platform: PlatformName::BankTransfer, ..checkout.clone() };
    let over = Payment { state: State::Failed, ..checkout.clone() };
    let table = [
        ("checkout", looks(&life, &checkout, 1_800, false)),
        ("checkout, silent", looks(&life, &checkout, 1_800, true)),
        ("charge", looks(&life, &charge, 604_800, false)),
        ("charge, silent", looks(&life, &charge, 604_800, true)),
        ("transfer", looks(&life, &transfer, 14 * 86_400, false)),
        ("over", looks(&life, &over, 1_800, false)),
    ];
    let table: String = table.iter().map(|(name, looks)| format!("{name}: {looks}\n")).collect();

    expect![[r#"
        checkout: 180 600 1800 3600 86400 90000 93600 97200 100800 104400 108000 111600 115200 118800
        checkout, silent: 15 45 105 180 420 600 1560 1800 3600 7200 10800 14400 18000 21600
        charge: 180 600 3600 86400 90000 93600 97200 100800 104400 108000 111600 115200 118800 122400
        charge, silent: 15 45 105 180 420 600 1560 3480 3600 7200 10800 14400 18000 21600
        transfer: 1209600 1213200 1216800 1220400 1224000 1227600 1231200 1234800 1238400 1242000 1245600 1249200 1252800 1256400
        over: never
    "#]].assert_eq(&table);
}

#[test]
fn after_thirty_days_nobody_asks_any_more() {
    let (life, _, id) = asked_for_dr();
    let payment = Payment { n_silent: 40, ..life.payment(id).clone() };
    let late = payment.created_at.plus_seconds(30 * 86_400);

    assert_eq!(next_look(&payment, late, late), None);
}

// B-3, L-2, L-3.

#[test]
fn an_order_activates_when_it_is_paid_and_not_before() {
    let (mut life, order, payment) = asked(license_purchase("dr/monthly", 10));
    let waiting = Finding::Waiting { reference: "cs_1".to_owned(), page: Some("https://pay.example/1".to_owned()) };
    life.hear(payment, waiting);
    life.hear(payment, Finding::Processing { reference: "cs_1".to_owned() });
    assert!(life.licenses().is_empty());

    life.stand_at("2025-06-30 15:42:00");
    life.hear(payment, life.paid(payment));

    let paid = order_of(&life, order);
    let [line] = &paid.lines[..] else { panic!("one line") };
    assert_eq!((paid.state, paid.amount, paid.completed_at), (OrderState::Completed, amount(75_000), Some(life.now())));
    assert_eq!((line.amount, line.period.start, Some(line.period)), (amount(75_000), life.now(), paid.period));
    assert_eq!(paid.license_id, Some(life.licenses()[0].id));
    let entry = &life.entries()[0];
    assert_eq!((entry.reason, entry.postings), (EntryReason::Payment, Postings::paid_outside(amount(75_000))));
    assert_eq!((life.cash(), entry.order_id, entry.payment_id), (0, Some(order), Some(payment)));
    assert_eq!(life.payment(payment).entry_number, Some(1));
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is ordered for 75000: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27
        2025-06-30 15:42:00  dr is bought for 75000: 2025-06-30 15:42:00 .. 2025-07-30 15:42:00, cash 0
        2025-06-30 15:42:00  bonus of dr of 10 until 2025-07-30 15:42:00
        2025-06-30 15:42:00  75000 is paid
    "#]],
    );
}

#[test]
fn license_and_bonus_start_when_the_payment_is_confirmed() {
    let (mut life, order, payment) = asked(license_purchase("dr/monthly", 10));

    life.stand_at("2025-06-30 15:42:00");
    life.hear(payment, life.paid(payment));

    let dr = order_of(&life, order).license_id.unwrap();
    let bonus = life.license(life.bonus_of(dr));
    assert_eq!(expiry_of(&life, dr), "2025-07-30 15:42:00");
    assert_eq!((bonus.activated_at, bonus.total), (life.now(), 10));
    assert_eq!(bonus.expires_at, life.license(dr).expires_at);
    assert_eq!(life.times_of("license.activated").len(), 2);
    assert_eq!(life.license(dr).card, None);
}

#[test]
fn what_is_heard_again_or_too_late_changes_nothing() {
    let (mut life, _, payment) = asked_for_dr();
    let paid = life.hear(payment, life.paid(payment));
    let before = (life.timeline(), *life.wallet(), life.licenses().to_vec());

    let again = [
        life.paid(payment),
        Finding::Waiting { reference: "other".to_owned(), page: None },
        Finding::Processing { reference: "other".to_owned() },
        failed("declined"),
        needs_payer(),
        Finding::Expired,
        Finding::Missing,
        Finding::Silence,
        Finding::Unreached,
    ];
    let heard = again.map(|finding| life.hear(payment, finding));

    assert!(heard.iter().all(|payment| *payment == paid), "{heard:#?}");
    assert_eq!((life.timeline(), *life.wallet(), life.licenses().to_vec()), before);
}

#[test]
fn a_payment_that_failed_and_is_paid_after_all_is_paid() {
    let (mut life, order, payment) = asked_for_dr();
    life.hear(payment, failed("declined"));
    assert_eq!((life.payment(payment).state, state_of(&life, order)), (State::Failed, OrderState::PendingPayment));

    life.hear(payment, life.paid(payment));

    assert_eq!((life.payment(payment).state, state_of(&life, order)), (State::Succeeded, OrderState::Completed));
    assert_eq!(life.licenses().len(), 2);
}

#[test]
fn while_a_payment_may_bring_money_there_is_no_other() {
    let (mut life, order, payment) = asked_for_dr();

    assert_eq!(life.begin(order, PlatformName::Sandbox).unwrap().id, payment);
    let other = life.begin(order, PlatformName::Stripe);
    assert_eq!(other, Err(PaymentRefusal::OtherPlatform { payment_id: payment }));
    life.hear(payment, failed("declined"));
    assert_ne!(life.begin(order, PlatformName::Stripe).unwrap().id, payment);
}

#[test]
fn what_is_paid_or_closed_is_not_paid_again() {
    let (mut life, order, payment) = asked_for_dr();
    let closed = life.order(license_purchase("dr/monthly", 1)).unwrap();
    life.hear(payment, life.paid(payment));
    life.advance_to("2025-06-30 16:00:27");

    assert_eq!(life.begin(order, PlatformName::Sandbox), Err(PaymentRefusal::AlreadyPaid));
    assert_eq!(life.begin(closed.id, PlatformName::Sandbox), Err(PaymentRefusal::Closed));
}

// B-6.

/// An order that closed, and its payment, which expired.
fn expired() -> (Life, OrderId, PaymentId) {
    let (mut life, order, payment) = asked_for_dr();
    life.advance_to("2025-06-30 16:00:27");
    life.hear(payment, Finding::Expired);
    assert_eq!(state_of(&life, order), OrderState::Closed);
    (life, order, payment)
}

#[test]
fn an_order_closes_after_thirty_minutes_when_its_payment_expired() {
    let (life, _, payment) = expired();

    assert_eq!(life.times_of("order.closed"), ["2025-06-30 16:00:27"]);
    assert_eq!((life.payment(payment).state, life.payment(payment).check_at), (State::Expired, None));
}

#[test]
fn at_thirty_minutes_the_platform_is_asked_and_may_say_that_it_is_paid() {
    let (mut life, order, payment) = asked_for_dr();
    life.hear(payment, Finding::Waiting { reference: "cs_1".to_owned(), page: None });
    life.advance_to("2025-06-30 15:40:27");
    life.hear(payment, Finding::Waiting { reference: "cs_1".to_owned(), page: None });
    assert_eq!(life.show(life.payment(payment).check_at.unwrap()), "2025-06-30 16:00:27");

    life.advance_to("2025-06-30 16:00:27");
    assert_eq!(life.payments_due(), [payment]);
    life.hear(payment, life.paid(payment));

    assert_eq!(state_of(&life, order), OrderState::Completed);
}

#[test]
fn when_the_platform_is_silent_the_order_closes_ten_minutes_later_and_late_money_still_fulfils_it() {
    let (mut life, order, payment) = asked_for_dr();
    life.advance_to("2025-06-30 16:00:27");
    life.hear(payment, Finding::Silence);
    assert_eq!(state_of(&life, order), OrderState::PendingPayment);
    life.advance_to("2025-06-30 17:00:00");
    assert_eq!(life.times_of("order.closed"), ["2025-06-30 16:10:27"]);

    life.hear(payment, life.paid(payment));

    assert_eq!(state_of(&life, order), OrderState::Completed);
    assert_eq!(expiry_of(&life, life.licenses()[0].id), "2025-07-30 17:00:00");
    assert_eq!(life.cash(), 0);
}

#[test]
fn late_money_buys_within_a_day_at_an_unchanged_price() {
    let (mut life, order, payment) = expired();

    life.stand_at("2025-07-01 16:00:27");
    life.hear(payment, life.paid(payment));

    assert_eq!((state_of(&life, order), life.licenses().len(), life.cash()), (OrderState::Completed, 2, 0));
}

#[test]
fn later_money_goes_to_the_wallet() {
    let (mut life, order, payment) = expired();

    life.stand_at("2025-07-01 16:00:28");
    life.hear(payment, life.paid(payment));

    assert_eq!((state_of(&life, order), life.licenses().len(), life.cash()), (OrderState::Closed, 0, 7_500));
    assert_eq!(life.payment(payment).state, State::Succeeded);
}

#[test]
fn late_money_at_another_price_goes_to_the_wallet() {
    let (mut life, order, payment) = expired();
    life.books.reprice("dr/monthly", 8_000, "2025-06-30 17:00:00", "2026-01-01 00:00:00");

    life.stand_at("2025-06-30 18:00:00");
    life.hear(payment, life.paid(payment));

    assert_eq!((state_of(&life, order), life.licenses().len(), life.cash()), (OrderState::Closed, 0, 7_500));
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is ordered for 7500: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27
        2025-06-30 16:00:27  an order closes
        2025-06-30 18:00:00  recharge 7500: cash 7500, gift 0
        2025-06-30 18:00:00  7500 is paid, into the wallet
    "#]],
    );
}

#[test]
fn a_price_that_changes_before_the_payment_does_not_change_the_order() {
    let (mut life, order, payment) = asked_for_dr();
    life.books.reprice("dr/monthly", 8_000, "2025-06-30 15:35:00", "2026-01-01 00:00:00");

    life.stand_at("2025-06-30 15:40:00");
    life.hear(payment, life.paid(payment));

    let paid = order_of(&life, order);
    assert_eq!((paid.state, paid.amount, paid.lines[0].price), (OrderState::Completed, amount(7_500), amount(7_500)));
}

#[test]
fn a_second_payment_of_one_order_goes_to_the_wallet() {
    let (mut life, order, first) = asked_for_dr();
    life.hear(first, failed("declined"));
    let second = life.begin(order, PlatformName::Stripe).unwrap().id;
    life.hear(second, life.paid(second));

    life.hear(first, life.paid(first));

    assert_eq!((life.cash(), life.licenses().len()), (7_500, 2));
    assert_eq!([first, second].map(|id| life.payment(id).state), [State::Succeeded; 2]);
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is ordered for 7500: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27
        2025-06-30 15:30:27  a payment fails: declined
        2025-06-30 15:30:27  dr is bought for 7500: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27, cash 0
        2025-06-30 15:30:27  bonus of dr of 1 until 2025-07-30 15:30:27
        2025-06-30 15:30:27  7500 is paid
        2025-06-30 15:30:27  recharge 7500: cash 7500, gift 0
        2025-06-30 15:30:27  7500 is paid, into the wallet
    "#]],
    );
}

/// Money that does not match activates nothing, and the operator puts it into the wallet, once.
fn check_quarantined(change: impl FnOnce(Receipt) -> Receipt, reason: Mismatch) {
    let (mut life, order, payment) = asked_for_dr();
    let receipt = change(life.receipt(payment));
    life.hear(payment, Finding::Paid(receipt.clone()));
    life.hear(payment, Finding::Paid(receipt.clone()));
    life.hear(payment, life.paid(payment));
    assert_eq!((life.payment(payment).state, state_of(&life, order)), (State::Quarantined, OrderState::PendingPayment));
    assert!(life.licenses().is_empty() && life.entries().is_empty());
    let held: Vec<_> = life.unapplied().cloned().collect();
    let [unapplied] = &held[..] else { panic!("one movement is held: {held:?}") };
    assert_eq!((unapplied.reason, unapplied.amount, unapplied.currency), (reason, receipt.amount, receipt.currency));
    if receipt.currency != life.account().currency {
        assert!(matches!(life.credit_unapplied(unapplied.id), Err(PaymentRefusal::OtherCurrency { .. })));
        return;
    }

    life.credit_unapplied(unapplied.id).unwrap();

    assert!(matches!(life.credit_unapplied(unapplied.id), Err(PaymentRefusal::NotHeld { .. })));
    assert_eq!((life.cash(), life.entries().len()), (receipt.amount.minor(), 1));
    assert_eq!((life.entries()[0].payment_id, life.licenses().len()), (Some(payment), 0));
}

#[test]
fn another_amount_is_held_and_credited_once() {
    check_quarantined(|receipt| Receipt { amount: amount(7_499), ..receipt }, Mismatch::Amount);
    check_quarantined(|receipt| Receipt { amount: amount(7_501), ..receipt }, Mismatch::Amount);
}

#[test]
fn another_currency_is_held() {
    let usd: Currency = "USD".parse().unwrap();
    check_quarantined(|receipt| Receipt { currency: usd, ..receipt }, Mismatch::Currency);
}

#[test]
fn real_money_for_a_test_is_held() {
    check_quarantined(|receipt| Receipt { is_live: true, ..receipt }, Mismatch::Mode);
}

#[test]
fn money_that_nothing_asked_for_is_held() {
    let mut life = shanghai(START, GOODS);
    let movement = (PlatformName::Stripe, "pi_9".to_owned());
    let cny = life.account().currency;

    life.decide(|draft| {
        settlement::hold_unexpected(draft, movement, (amount(900), cny), (None, None));
        Ok::<_, PaymentRefusal>(())
    })
    .unwrap();

    let held = life.unapplied().next().unwrap().clone();
    assert_eq!((held.reason, life.cash()), (Mismatch::Unexpected, 0));
    life.credit_unapplied(held.id).unwrap();
    assert_eq!(life.cash(), 900);
}

// Resources, transfers, recharges.

#[test]
fn a_resource_to_the_months_end_runs_from_its_order_when_it_is_paid() {
    let to_the_end = Purchase { length: Length::MonthEnd, ..purchase("uhost/monthly") };
    let (mut life, order, payment) = asked(to_the_end);

    life.stand_at("2025-06-30 15:45:00");
    life.hear(payment, life.paid(payment));

    let paid = order_of(&life, order);
    let uhost = life.resource(paid.resource_id.unwrap());
    assert_eq!(
        (life.show(uhost.started_at), life.show(uhost.expires_at)),
        (START.to_owned(), "2025-07-01 00:00:00".to_owned())
    );
    assert_eq!((paid.amount, paid.lines[0].amount, life.cash()), (paid.lines[0].amount, paid.amount, 0));
}

#[test]
fn a_month_that_is_over_cannot_be_bought_any_more() {
    let mut life = shanghai("2025-06-30 23:50:00", GOODS);
    let to_the_end = Purchase { length: Length::MonthEnd, ..purchase("uhost/monthly") };
    let order = life.order(to_the_end).unwrap();
    let payment = life.begin(order.id, PlatformName::Sandbox).unwrap().id;

    life.stand_at("2025-07-01 00:05:00");
    life.hear(payment, life.paid(payment));

    assert_eq!((life.cash(), life.resources().len()), (order.amount.minor(), 0));
    assert_eq!(state_of(&life, order.id), OrderState::Closed);
}

#[test]
fn full_terms_of_a_resource_start_when_they_are_paid() {
    let (mut life, order, payment) = asked(purchase("uhost/thirty"));

    life.stand_at("2025-06-30 15:45:00");
    life.hear(payment, life.paid(payment));

    let uhost = life.resource(order_of(&life, order).resource_id.unwrap());
    assert_eq!((uhost.started_at, life.show(uhost.expires_at)), (life.now(), "2025-07-30 15:45:00".to_owned()));
}

#[test]
fn a_bank_transfer_keeps_the_order_open_for_fourteen_days() {
    let mut life = shanghai(START, GOODS);
    let order = life.order(license_purchase("dr/monthly", 1)).unwrap();
    let transfer = life.begin(order.id, PlatformName::BankTransfer).unwrap();
    assert_eq!(transfer.check_at.map(|at| life.show(at)).as_deref(), Some("2025-07-14 15:30:27"));

    life.advance_to("2025-07-14 15:00:00");
    life.hear(transfer.id, life.paid(transfer.id));

    assert_eq!((state_of(&life, order.id), life.licenses().len()), (OrderState::Completed, 2));
}

#[test]
fn a_transfer_that_does_not_come_closes_the_order() {
    let mut life = shanghai(START, GOODS);
    let order = life.order(license_purchase("dr/monthly", 1)).unwrap();
    life.begin(order.id, PlatformName::BankTransfer).unwrap();

    life.advance_to("2025-07-15 00:00:00");

    assert_eq!(
        (state_of(&life, order.id), life.times_of("order.closed")),
        (OrderState::Closed, vec!["2025-07-14 15:40:27".to_owned()])
    );
}

#[test]
fn a_recharge_lets_what_waits_and_what_expired_renew_at_once() {
    let mut life = shanghai(START, GOODS);
    life.credit(37_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-07-30 18:00:00");
    assert_eq!(life.license(dr).state, LicenseState::Grace);
    let order = life.recharge(37_500).unwrap();
    let payment = life.begin(order.id, PlatformName::Sandbox).unwrap().id;
    life.forget();

    life.hear(payment, life.paid(payment));

    assert_eq!((state_of(&life, order.id), life.cash()), (OrderState::Completed, 0));
    assert_eq!(
        (life.license(dr).state, life.show(life.resource(uhost).expires_at)),
        (LicenseState::Valid, "2025-08-29 15:30:27".to_owned())
    );
    check(
        &life,
        expect![[r#"
        2025-07-30 18:00:00  recharge 37500: cash 37500, gift 0
        2025-07-30 18:00:00  37500 is paid
        2025-07-30 18:00:00  uhost is renewed by auto for 30000: 2025-07-30 15:30:27 .. 2025-08-29 15:30:27, cash 7500
        2025-07-30 18:00:00  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
    "#]],
    );
}

#[test]
fn a_recharge_is_within_its_limits() {
    let mut life = shanghai(START, GOODS);

    let limits = PaymentRefusal::RechargeOutOfRange { min: amount(1), max: amount(1_000_000) };
    assert_eq!(life.recharge(0), Err(limits));
    assert_eq!(life.recharge(1_000_001), Err(limits));
    assert!(life.recharge(1).is_ok() && life.recharge(1_000_000).is_ok());
}

#[test]
fn a_recharge_that_comes_days_late_is_money_all_the_same() {
    let mut life = shanghai(START, GOODS);
    let order = life.recharge(5_000).unwrap();
    let payment = life.begin(order.id, PlatformName::Sandbox).unwrap().id;
    life.advance_to("2025-07-04 00:00:00");

    life.hear(payment, life.paid(payment));

    assert_eq!((life.cash(), state_of(&life, order.id)), (5_000, OrderState::Closed));
}

// B-5.

#[test]
fn a_dispute_suspends_the_license_and_its_bonus_once() {
    let (mut life, order, payment) = asked_for_dr();
    life.hear(payment, life.paid(payment));
    life.forget();
    let disputed = Receipt { is_disputed: true, ..life.receipt(payment) };

    life.hear(payment, Finding::Paid(disputed.clone()));
    life.hear(payment, Finding::Paid(disputed));

    let dr = order_of(&life, order).license_id.unwrap();
    let states = [dr, life.bonus_of(dr)].map(|id| life.license(id).state);
    assert_eq!(states, [LicenseState::Suspended; 2]);
    assert_eq!((life.payment(payment).disputed_at, life.cash()), (Some(life.now()), 0));
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is suspended: the payer disputes the payment
        2025-06-30 15:30:27  bonus of dr is suspended: the payer disputes the payment
        2025-06-30 15:30:27  7500 is disputed
    "#]],
    );
}

#[test]
fn a_dispute_of_a_second_payment_suspends_nothing() {
    let (mut life, order, first) = asked_for_dr();
    life.hear(first, Finding::Expired);
    let second = life.begin(order, PlatformName::Sandbox).unwrap().id;
    life.hear(second, life.paid(second));
    life.advance_to("2025-06-30 15:45:00");
    life.hear(first, life.paid(first));

    life.hear(first, Finding::Paid(Receipt { is_disputed: true, ..life.receipt(first) }));

    let dr = order_of(&life, order).license_id.unwrap();
    assert_eq!(life.license(dr).state, LicenseState::Valid);
    assert_eq!(life.times_of("payment.disputed").len(), 1);
}

// R-15.

#[test]
fn a_license_that_is_stopped_while_its_card_is_charged_gives_the_charge_up() {
    for intervention in [Intervention::Suspend, Intervention::Revoke] {
        let (mut life, license, payment) = charged();
        let order = life.payment(payment).order_id;

        life.intervene(license, intervention, "a question").unwrap();
        life.hear(payment, life.paid(payment));

        assert_eq!(state_of(&life, order), OrderState::Closed);
        assert_eq!((life.license(license).charging, expiry_of(&life, license)), (None, EXPIRY.to_owned()));
        assert_eq!(life.cash(), life.payment(payment).amount.minor());
    }
}

#[test]
fn the_wallet_pays_first() {
    let (mut life, license) = with_card();
    life.credit(7_500);

    life.advance_to(EXPIRY);

    assert_eq!((life.cash(), life.payments().count()), (0, 1));
    assert_eq!(expiry_of(&life, license), "2025-08-30 15:30:27");
}

#[test]
fn the_card_pays_all_that_the_wallet_does_not_cover() {
    let (mut life, license) = with_card();
    life.credit(7_499);
    life.advance_to(EXPIRY);
    let charge = last_payment(&life);
    assert_eq!((life.payment(charge).means, life.payment(charge).amount), (Means::OffSession, amount(7_500)));
    assert_eq!(life.payments_due(), [charge]);

    life.hear(charge, life.paid(charge));

    assert_eq!((life.cash(), outcomes(&life, license)), (7_499, vec![Outcome::Succeeded]));
    assert_eq!((expiry_of(&life, license), life.license(license).charging), ("2025-08-30 15:30:27".to_owned(), None));
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  credit 7499: cash 7499, gift 0
        2025-07-30 15:30:27  dr is charged 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 7499
        2025-07-30 15:30:27  7500 is paid
    "#]],
    );
}

#[test]
fn money_that_comes_while_the_card_is_charged_does_not_renew_a_second_time() {
    let (mut life, license, charge) = charged();

    life.credit(7_500);
    assert_eq!(expiry_of(&life, license), EXPIRY);
    life.hear(charge, life.paid(charge));

    assert_eq!((expiry_of(&life, license), life.cash()), ("2025-08-30 15:30:27".to_owned(), 7_500));
}

#[test]
fn a_declined_charge_is_an_attempt_and_the_next_day_is_another() {
    let (mut life, license, charge) = charged();

    life.hear(charge, failed("card_declined"));

    assert_eq!(outcomes(&life, license), [Outcome::Declined]);
    assert_eq!(state_of(&life, life.payment(charge).order_id), OrderState::Closed);
    life.advance_to("2025-07-31 15:30:27");
    let next = last_payment(&life);
    assert_ne!(next, charge);
    life.hear(next, life.paid(next));
    assert_eq!(expiry_of(&life, license), "2025-08-30 15:30:27");
    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is charged 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  a payment fails: card_declined
        2025-07-30 15:30:27  an order closes
        2025-07-30 15:30:27  dr is not renewed: declined the payment method was declined: card_declined
        2025-07-30 15:30:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr at 2025-08-06 15:30:27
        2025-07-31 15:30:27  dr is charged 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27
        2025-07-31 15:30:27  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
        2025-07-31 15:30:27  7500 is paid
    "#]],
    );
}

#[test]
fn after_a_declined_charge_money_in_the_wallet_renews_at_once() {
    let (mut life, license, charge) = charged();
    life.hear(charge, failed("card_declined"));

    life.credit(7_500);

    assert_eq!((expiry_of(&life, license), life.cash()), ("2025-08-30 15:30:27".to_owned(), 0));
}

#[test]
fn a_charge_that_needs_its_owner_can_be_paid_by_hand() {
    let (mut life, license, charge) = charged();
    life.hear(charge, needs_payer());
    let order = life.payment(charge).order_id;
    assert_eq!(life.bill(order).map(|bill| life.show(bill.closes_at)).as_deref(), Some("2025-07-31 14:30:27"));
    life.advance_to("2025-07-31 10:00:00");

    let by_hand = life.begin(order, PlatformName::Stripe).unwrap().id;
    life.hear(by_hand, life.paid(by_hand));

    assert_eq!(
        (life.license(license).state, expiry_of(&life, license)),
        (LicenseState::Valid, "2025-08-30 15:30:27".to_owned())
    );
    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is charged 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  a payment fails: authentication_required
        2025-07-30 15:30:27  a payment needs its owner until 2025-07-31 14:30:27
        2025-07-30 15:30:27  dr is not renewed: declined the payment method needs its owner to confirm
        2025-07-30 15:40:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:40:27  message: expired dr at 2025-08-06 15:30:27
        2025-07-31 10:00:00  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
        2025-07-31 10:00:00  7500 is paid
    "#]],
    );
}

#[test]
fn what_its_owner_does_not_confirm_is_given_up_after_twenty_three_hours() {
    let (mut life, license, charge) = charged();
    life.hear(charge, needs_payer());
    let order = life.payment(charge).order_id;

    life.advance_to("2025-07-31 16:00:00");

    assert_eq!(state_of(&life, order), OrderState::Closed);
    assert_eq!(life.times_of("order.closed"), ["2025-07-31 14:30:27"]);
    assert_ne!(last_payment(&life), charge);
    assert!(life.license(license).charging.is_some_and(|charging| charging.order_id != order));
}

#[test]
fn late_money_of_a_renewal_that_was_given_up_is_the_wallets_while_the_next_one_is_charged() {
    let (mut life, license, charge) = charged();
    life.hear(charge, needs_payer());
    life.advance_to("2025-07-31 16:00:00");
    let next = last_payment(&life);

    life.hear(charge, life.paid(charge));
    assert_eq!((expiry_of(&life, license), life.cash()), (EXPIRY.to_owned(), 7_500));
    life.hear(next, life.paid(next));

    assert_eq!((expiry_of(&life, license), life.cash()), ("2025-08-30 15:30:27".to_owned(), 7_500));
}

#[test]
fn late_money_of_a_renewal_that_was_given_up_renews_when_nothing_else_is_charged() {
    let (mut life, license, charge) = charged();
    life.hear(charge, failed("card_declined"));

    life.hear(charge, life.paid(charge));

    assert_eq!((expiry_of(&life, license), life.cash()), ("2025-08-30 15:30:27".to_owned(), 0));
}

#[test]
fn a_silent_charge_is_one_attempt_and_nothing_else_renews_meanwhile() {
    let (mut life, license, charge) = charged();
    life.hear(charge, Finding::Silence);
    life.hear(charge, Finding::Silence);
    life.credit(7_500);
    life.advance_to("2025-08-02 00:00:00");
    assert_eq!((outcomes(&life, license), life.payments().count()), (vec![Outcome::Error], 2));

    life.hear(charge, life.paid(charge));

    assert_eq!((life.license(license).state, life.cash()), (LicenseState::Valid, 7_500));
    assert_eq!(expiry_of(&life, license), "2025-08-30 15:30:27");
    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is charged 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  dr is not renewed: error the payment platform gave no answer yet and is asked again
        2025-07-30 15:30:27  credit 7500: cash 7500, gift 0
        2025-07-30 15:40:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:40:27  message: expired dr at 2025-08-06 15:30:27
        2025-08-02 00:00:00  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 7500
        2025-08-02 00:00:00  7500 is paid
    "#]],
    );
}

#[test]
fn a_charge_that_is_paid_after_the_grace_goes_to_the_wallet() {
    let (mut life, license, charge) = charged();
    life.hear(charge, Finding::Silence);
    life.advance_to("2025-08-06 15:30:27");
    assert_eq!(life.license(license).state, LicenseState::Expired);

    life.hear(charge, life.paid(charge));

    assert_eq!((life.license(license).state, life.cash()), (LicenseState::Expired, 7_500));
    assert_eq!(state_of(&life, life.payment(charge).order_id), OrderState::Closed);
}

#[test]
fn a_charge_that_needs_its_owner_after_the_grace_is_over() {
    let (mut life, _, charge) = charged();
    life.hear(charge, Finding::Silence);
    life.advance_to("2025-08-06 15:30:27");

    life.hear(charge, needs_payer());

    assert_eq!(state_of(&life, life.payment(charge).order_id), OrderState::Closed);
    assert!(life.times_of("payment.action_required").is_empty());
}

#[test]
fn a_card_is_not_charged_at_the_end_of_the_grace() {
    let (mut life, license, charge) = charged();
    life.hear(charge, failed("card_declined"));
    for day in ["07-31", "08-01", "08-02", "08-03", "08-04", "08-05"] {
        life.advance_to(&format!("2025-{day} 15:30:27"));
        let last = last_payment(&life);
        life.hear(last, failed("card_declined"));
    }

    life.advance_to("2025-08-07 00:00:00");

    assert_eq!((life.license(license).state, life.payments().count()), (LicenseState::Expired, 8));
}

#[test]
fn a_charge_that_expires_or_brings_other_money_is_an_attempt_and_blocks_nothing() {
    let (mut life, license, charge) = charged();
    life.hear(charge, Finding::Expired);
    life.advance_to("2025-07-31 15:30:27");
    let next = last_payment(&life);
    life.hear(next, Finding::Paid(Receipt { amount: amount(1), ..life.receipt(next) }));

    assert_eq!(outcomes(&life, license), [Outcome::Declined; 2]);
    life.credit(7_500);

    assert_eq!(expiry_of(&life, license), "2025-08-30 15:30:27");
}

#[test]
fn nobody_is_told_of_an_expiry_while_the_card_is_charged_for_ten_minutes() {
    let (mut life, license, _) = charged();
    life.advance_to("2025-07-30 15:40:26");
    assert_eq!((life.license(license).state, life.times_of("reminder.sent").len()), (LicenseState::Valid, 0));

    life.advance_to("2025-07-30 15:40:27");

    assert_eq!((life.license(license).state, life.times_of("reminder.sent").len()), (LicenseState::Grace, 1));
}

#[test]
fn after_an_outage_the_ten_minutes_count_from_the_charge() {
    let (mut life, license) = with_card();

    life.down_until("2025-07-30 20:00:00");

    assert_eq!((life.license(license).state, life.payments().count()), (LicenseState::Valid, 2));
    let charge = last_payment(&life);
    life.hear(charge, life.paid(charge));
    assert_eq!(expiry_of(&life, license), "2025-08-30 15:30:27");
}

#[test]
fn a_removed_card_is_not_charged() {
    let (mut life, license) = with_card();
    let method = life.methods().next().unwrap().id;

    life.remove_method(method);
    life.remove_method(method);
    life.advance_to(EXPIRY);

    assert_eq!((life.payments().count(), outcomes(&life, license)), (1, vec![Outcome::InsufficientBalance]));
    assert!(life.methods().all(|method| method.removed_at.is_some()));
}

#[test]
fn without_the_switch_the_card_is_not_charged() {
    let (mut life, license) = with_card();
    life.switch_license(license, false).unwrap();

    life.advance_to("2025-08-10 00:00:00");

    assert_eq!((life.payments().count(), life.license(license).state), (1, LicenseState::Expired));
}

#[test]
fn a_license_with_a_card_is_covered() {
    let (mut life, _) = with_card();
    let forecast = life.forecast(70);
    assert_eq!((forecast.total, forecast.balance_runs_out_at), (amount(15_000), None));

    life.advance_to("2025-07-30 12:00:00");

    assert!(life.times_of("reminder.sent").is_empty() && life.times_of("balance.low").is_empty());
}

/// What platforms, payers, operators and time do.
#[derive(Debug, Clone)]
enum Step {
    Begin(PlatformName),
    Hear { which: usize, what: usize },
    Credit(i64),
    CreditUnapplied,
    Advance(i64),
    GoDown(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let platform = prop::sample::select(&[PlatformName::Sandbox, PlatformName::Stripe, PlatformName::BankTransfer][..]);
    let hear = (0..8_usize, 0..12_usize).prop_map(|(which, what)| Step::Hear { which, what });
    prop_oneof![
        2 => platform.prop_map(Step::Begin),
        8 => hear,
        1 => (1..16_000_i64).prop_map(Step::Credit),
        1 => Just(Step::CreditUnapplied),
        3 => (1..4_000_i64).prop_map(Step::Advance),
        3 => (1..2_000_000_i64).prop_map(Step::Advance),
        1 => (1..2_000_000_i64).prop_map(Step::GoDown),
    ]
}

fn finding(life: &Life, id: PaymentId, what: usize) -> Finding {
    let receipt = life.receipt_with_card(id);
    match what {
        0 | 1 => life.paid(id),
        2 => Finding::Paid(receipt),
        3 => Finding::Paid(Receipt { amount: amount(7_000), ..receipt }),
        4 => Finding::Waiting { reference: format!("cs_{id}"), page: None },
        5 => Finding::Processing { reference: format!("cs_{id}") },
        6 => failed("card_declined"),
        7 => needs_payer(),
        8 => Finding::Expired,
        9 => Finding::Missing,
        10 => Finding::Silence,
        _ => Finding::Unreached,
    }
}

fn take(life: &mut Life, order: OrderId, step: &Step) {
    match *step {
        Step::Begin(platform) => {
            let waits = |order: &&Order| order.state == OrderState::PendingPayment;
            let open = life.orders().iter().rfind(waits).map_or(order, |order| order.id);
            drop(life.begin(open, platform));
        }
        Step::Hear { which, what } => {
            let ids: Vec<_> = life.payments().map(|payment| payment.id).collect();
            // The last ones are what matters most.
            if let Some(id) = ids.iter().rev().nth(which % ids.len().max(1)) {
                let finding = finding(life, *id, what);
                life.hear(*id, finding);
            }
        }
        Step::Credit(minor) => drop(life.credit(minor)),
        Step::CreditUnapplied => {
            let held = life.unapplied().map(|unapplied| unapplied.id).last();
            held.into_iter().for_each(|id| drop(life.credit_unapplied(id)));
        }
        Step::Advance(seconds) => life.advance_to_instant(life.now().plus_seconds(seconds)),
        Step::GoDown(seconds) => life.down_until_instant(life.now().plus_seconds(seconds)),
    }
}

/// B-6: what came in is in the wallet, in the sales, or held, to the last unit.
fn check_money(life: &Life, credited: i64) {
    let brought = |payment: &&Payment| payment.state == State::Succeeded;
    let by_payment: i64 = life.payments().filter(brought).map(|payment| payment.amount.minor()).sum();
    let all_unapplied: i64 = life.unapplied().map(|unapplied| unapplied.amount.minor()).sum();
    let is_held = |unapplied: &&domain::payment::Unapplied| unapplied.resolved_at.is_none();
    let held: i64 = life.unapplied().filter(is_held).map(|unapplied| unapplied.amount.minor()).sum();
    let revenue: i64 = life.entries().iter().map(|entry| entry.postings.revenue.minor()).sum();
    assert_eq!(by_payment + all_unapplied + credited, life.cash() + revenue + held);
    let is_done = |order: &&Order| order.state == OrderState::Completed && order.kind != OrderKind::Recharge;
    let sold: i64 = life.orders().iter().filter(is_done).map(|order| order.amount.minor()).sum();
    assert_eq!(revenue, sold, "what was taken is what was sold");
}

/// One license, one bonus, and periods that follow each other.
fn check_licenses(life: &Life) {
    assert!(life.licenses().len() <= 2, "{:?}", life.licenses());
    let Some(license) = life.licenses().iter().find(|license| license.parent_id.is_none()) else { return };
    let done = life.orders().iter().filter(|order| order.state == OrderState::Completed);
    let mut periods: Vec<_> = done.filter_map(|order| order.period).collect();
    periods.sort_by_key(|period| period.start);
    assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start), "{periods:?}");
    assert_eq!(periods.last().map(|period| period.end), Some(license.expires_at));
    let waits = |order: &&Order| order.state == OrderState::PendingPayment && order.trigger == Trigger::Auto;
    let waiting: Vec<_> = life.orders().iter().filter(waits).map(|order| order.id).collect();
    let charging: Vec<_> = license.charging.iter().map(|charging| charging.order_id).collect();
    assert_eq!(waiting, charging, "what waits for a card is what the license waits for");
    assert!(!license.state.is_final() || license.charging.is_none(), "{license:?}");
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn money_is_never_lost_nor_taken_twice(steps in prop::collection::vec(any_step(), 1..50)) {
        let (mut life, order, _) = asked_for_dr();
        let mut credited = 0;
        for step in &steps {
            let before: Vec<_> = life.payments().cloned().collect();
            take(&mut life, order, step);
            credited += if let Step::Credit(minor) = step { *minor } else { 0 };
            check_money(&life, credited);
            check_licenses(&life);
            for payment in before {
                let is_known = matches!(payment.state, State::Succeeded | State::Quarantined);
                prop_assert!(!is_known || *life.payment(payment.id) == payment);
            }
        }
        let told = life.events().iter().filter(|event| matches!(event.body, Body::PaymentSucceeded { .. })).count();
        prop_assert_eq!(told, life.payments().filter(|payment| payment.state == State::Succeeded).count());
    }

    #[test]
    fn findings_of_one_payment_may_come_in_any_order(kinds in prop::collection::vec(2..12_usize, 0..8), at in 0..9_usize) {
        let (mut life, order, payment) = asked_for_dr();
        let mut kinds: Vec<_> = kinds.into_iter().filter(|what| !matches!(what, 2 | 3)).collect();
        kinds.insert(at.min(kinds.len()), 0);

        for what in kinds {
            let finding = finding(&life, payment, what);
            life.hear(payment, finding);
        }

        prop_assert_eq!((state_of(&life, order), life.licenses().len(), life.entries().len()), (OrderState::Completed, 2, 1));
    }
}
