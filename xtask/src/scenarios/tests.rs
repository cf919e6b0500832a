use super::{Selection, select};

const RESOURCE: &str = "scenario a \"R-1: renews\"\nproduct uhost resource\nat 2025-01-01 00:00:00\n\n";
const LICENSE: &str = "scenario b \"L-7: renews\"\nproduct dr dr\n";
const CODE: &str = "scenario c \"L-8: once\"\n  http POST /v1/activation-codes {} -> 201\n";

#[test]
fn scenarios_with_licenses_are_left_out_and_lines_keep_their_numbers() {
    let text = format!("# Head.\n{LICENSE}{RESOURCE}{CODE}");

    let selection = select(&text);

    let expected = format!("# Head.\n\n\n{RESOURCE}\n\n");
    assert_eq!(selection, Selection { text: expected, n_kept: 1, n_left_out: 2 });
}

#[test]
fn a_file_without_licenses_is_copied_as_it_is() {
    let text = format!("# Head.\n\n{RESOURCE}{RESOURCE}");

    let selection = select(&text);

    assert_eq!(selection, Selection { text, n_kept: 2, n_left_out: 0 });
}
