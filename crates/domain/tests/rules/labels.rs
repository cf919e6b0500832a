//! Names that customers give: hosts, jobs, installations; and the names of events.

use std::collections::BTreeSet;

use domain::event::Body;
use domain::holding::HoldingId;
use domain::id::{LicenseId, ResourceId};
use domain::label::{Host, InstallationName, InvalidLabel, JobId, LABEL_LENGTH_MAX};
use proptest::prelude::*;

use super::zones::cases;

#[test]
fn a_name_is_1_to_255_characters() {
    let long = "h".repeat(LABEL_LENGTH_MAX);

    assert_eq!("".parse::<Host>(), Err(InvalidLabel));
    assert_eq!(long.parse::<Host>().map(String::from), Ok(long.clone()));
    assert_eq!(format!("{long}h").parse::<Host>(), Err(InvalidLabel));
    assert!("\u{6d77}".repeat(LABEL_LENGTH_MAX).parse::<InstallationName>().is_ok());
}

#[test]
fn a_name_has_no_control_characters_and_no_spaces_around_it() {
    let refused = [" host", "host ", "ho\nst", "host\t", "\u{0}", "\u{a0}host", "\u{7f}", " "];

    assert_eq!(refused.map(|text| text.parse::<JobId>()), [(); 8].map(|()| Err(InvalidLabel)));
    assert_eq!("web 1.example.com".parse::<Host>().unwrap().to_string(), "web 1.example.com");
}

#[test]
fn a_name_has_nothing_that_nobody_sees() {
    let refused = ["\u{200b}", "\u{feff}host", "ho\u{202e}st", "host\u{2028}", "ho\u{ad}st", "ho\u{2060}st"];

    assert_eq!(refused.map(|text| text.parse::<Host>()), [(); 6].map(|()| Err(InvalidLabel)));
}

#[test]
fn names_are_compared_as_they_are_written() {
    let [lower, upper] = ["web", "WEB"].map(|text| text.parse::<Host>().unwrap());

    assert_ne!(lower, upper);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_name_is_read_back_from_json_and_what_is_none_is_refused(text: String) {
        let json = serde_json::to_string(&text).unwrap();

        let read = serde_json::from_str::<Host>(&json).ok();

        prop_assert_eq!(&read, &text.parse().ok());
        prop_assert!(read.is_none_or(|host| serde_json::to_string(&host).unwrap() == json));
    }

    #[test]
    fn resources_come_before_licenses_and_both_are_read_back_from_json(one: u128, other: u128) {
        let resource = HoldingId::from(ResourceId::from_u128(one));
        let license = HoldingId::from(LicenseId::from_u128(other));
        let read_back = |id: HoldingId| serde_json::from_str::<HoldingId>(&serde_json::to_string(&id).unwrap()).unwrap();
        let again: [HoldingId; 2] = [resource, license].map(read_back);

        prop_assert!(resource < license);
        prop_assert_eq!(again, [resource, license]);
        prop_assert_eq!((resource.license(), license.resource()), (None, None));
    }
}

#[test]
fn every_type_of_event_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Body::NAMES.into_iter().collect();

    assert_eq!(names.len(), Body::NAMES.len());
    assert!(names.contains(Body::OrderClosed {}.name()));
}
