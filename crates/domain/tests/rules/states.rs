//! The states of a resource: every state with every input.

use domain::resource::{Input, State};
use expect_test::expect;

fn row(state: State) -> String {
    let after = |input| state.apply(input).map_or("-", State::name);
    let cells: String = Input::ALL.iter().map(|input| format!(" {:<9}", after(*input))).collect();
    format!("{:<9} |{}\n", state.name(), cells.trim_end())
}

#[test]
fn every_state_takes_these_inputs_and_no_other() {
    let head: String = Input::ALL.iter().map(|input| format!(" {:<9}", format!("{input:?}"))).collect();
    let table: String = State::ALL.iter().map(|state| row(*state)).collect();

    expect![[r#"
                  | Renew     Expire    Suspend   Release   Delete
        active    | active    expired   -         -         -
        expired   | active    -         suspended released  deleted
        suspended | active    -         -         released  deleted
        released  | -         -         -         -         -
        deleted   | -         -         -         -         -
    "#]]
    .assert_eq(&format!("{:<9} |{}\n{table}", "", head.trim_end()));
}

#[test]
fn what_is_final_takes_no_input() {
    let takes_none = |state: &State| Input::ALL.iter().all(|input| state.apply(*input).is_err());

    let finals: Vec<_> = State::ALL.into_iter().filter(|state| state.is_final()).collect();

    assert_eq!(finals, State::ALL.into_iter().filter(takes_none).collect::<Vec<_>>());
}

#[test]
fn every_state_is_read_back_from_its_name() {
    assert!(State::ALL.iter().all(|state| State::from_name(state.name()) == Some(*state)));
    assert_eq!(State::from_name("sleeping"), None);
}

#[test]
fn a_refused_input_names_the_state() {
    let invalid = State::Released.apply(Input::Renew).unwrap_err();

    assert_eq!(invalid.to_string(), "a resource that is released cannot take Renew");
}
