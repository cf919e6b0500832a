//! Every single changed character is refused, with the code of the part that it lies in.

use crate::fixtures::{license_file, outcome, segments};

/// Letters of the alphabet, and what lies outside of it.
const REPLACEMENTS: [char; 14] = ['A', 'B', 'g', 'w', '0', '9', '-', '_', '.', '=', '+', ' ', '\n', 'é'];

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a character of a license file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Header(Line),
    Body(Line),
    /// The last character of claims or signature, in which some bits may stand for nothing.
    End(Line),
    Dot(Line),
    Newline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    License,
    Certificate,
}

fn regions(file: &str) -> Vec<Region> {
    let lines = file.lines().zip([Line::License, Line::Certificate]);
    let regions = lines.flat_map(|(text, line)| {
        let [header, claims, signature] = segments(text).map(str::len);
        let body = move |length: usize| std::iter::repeat_n(Region::Body(line), length - 1).chain([Region::End(line)]);
        std::iter::repeat_n(Region::Header(line), header)
            .chain([Region::Dot(line)])
            .chain(body(claims))
            .chain([Region::Dot(line)])
            .chain(body(signature))
            .chain([Region::Newline])
    });
    regions.collect()
}

/// The codes that are true of a change there.
fn true_codes(region: Region, replacement: char) -> &'static [&'static str] {
    let is_letter = ALPHABET.contains(replacement);
    match region {
        Region::Newline => &["malformed_file"],
        _ if replacement == '\n' => &["malformed_file"],
        Region::Dot(Line::License) => &["malformed_license"],
        Region::Dot(Line::Certificate) => &["malformed_certificate"],
        Region::Header(Line::License) if is_letter => {
            &["malformed_license", "unsupported_algorithm", "wrong_type", "key_mismatch"]
        }
        Region::Header(Line::Certificate) if is_letter => {
            &["malformed_certificate", "unsupported_algorithm", "wrong_type", "foreign_root"]
        }
        Region::Body(Line::License) if is_letter => &["license_signature_invalid"],
        Region::Body(Line::Certificate) if is_letter => &["certificate_signature_invalid"],
        Region::End(Line::License) if is_letter => &["license_signature_invalid", "malformed_license"],
        Region::End(Line::Certificate) if is_letter => &["certificate_signature_invalid", "malformed_certificate"],
        Region::Header(Line::License) | Region::Body(Line::License) | Region::End(Line::License) => {
            &["malformed_license"]
        }
        Region::Header(Line::Certificate) | Region::Body(Line::Certificate) | Region::End(Line::Certificate) => {
            &["malformed_certificate"]
        }
    }
}

fn replaced(file: &str, position: usize, replacement: char) -> String {
    let (before, rest) = file.split_at(position);
    format!("{before}{replacement}{}", &rest[1..])
}

/// Puts each replacement at each position; returns how many changed files were refused.
fn check(positions: impl Fn(Region) -> bool, replacements: &str) -> usize {
    let file = license_file();
    let regions = regions(&file);
    assert_eq!(regions.len(), file.len());
    let mut n_refused = 0;
    for (position, region) in regions.into_iter().enumerate().filter(|(_, region)| positions(*region)) {
        for replacement in replacements.chars().filter(|replacement| !file[position..].starts_with(*replacement)) {
            let code = outcome(&replaced(&file, position, replacement), |_| {});
            let codes = true_codes(region, replacement);
            assert!(codes.contains(&code), "{replacement:?} at {position} ({region:?}): {code}");
            n_refused += 1;
        }
    }
    n_refused
}

#[test]
fn every_changed_character_is_refused_with_the_code_of_its_part() {
    let replacements: String = REPLACEMENTS.iter().collect();

    let n_refused = check(|_| true, &replacements);

    assert!(n_refused > 25_000, "{n_refused}");
}

#[test]
fn every_other_last_character_of_claims_and_signatures_is_refused() {
    let n_refused = check(|region| matches!(region, Region::End(_)), ALPHABET);

    assert_eq!(n_refused, 4 * 63);
}

#[test]
fn every_removed_character_is_refused() {
    let file = license_file();

    for position in 0..file.len() {
        let shorter = format!("{}{}", &file[..position], &file[position + 1..]);
        assert_ne!(outcome(&shorter, |_| {}), "accepted", "{position}");
    }
}

#[test]
fn every_doubled_character_is_refused() {
    let file = license_file();

    for position in 0..file.len() {
        let longer = format!("{}{}", &file[..=position], &file[position..]);
        assert_ne!(outcome(&longer, |_| {}), "accepted", "{position}");
    }
}
