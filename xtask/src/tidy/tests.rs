use std::fs;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::source::{SourceText, has_word};
use super::tree::Tree;
use super::{Finding, documents, layering, migrations, rules, source};
use crate::workspace::Workspace;

type Check = fn(&Tree) -> Vec<Finding>;

fn check(check: Check, files: &[(&str, &str)], expected: Expect) {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let findings = check(&Tree::read(folder.path()).unwrap());
    expected.assert_eq(&lines_of(&findings));
}

fn lines_of(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn the_repository_is_tidy() {
    let tree = Tree::read(Workspace::here().root()).unwrap();

    let findings = super::findings_of(&tree);

    assert!(findings.is_empty(), "\n{}", lines_of(&findings));
}

#[test]
fn a_crate_does_not_import_a_higher_one() {
    check(
        layering::dependencies,
        &[
            (
                "crates/store/Cargo.toml",
                "[package]\nname = \"store\"\n[dependencies]\ndomain.workspace = true\nengine.workspace = true\n",
            ),
            (
                "crates/web/Cargo.toml",
                "[package]\nname = \"web\"\n[build-dependencies]\nperennial = { path = \"../perennial\" }\n",
            ),
            (
                "crates/domain/Cargo.toml",
                "[package]\nname = \"domain\"\n[target.'cfg(unix)'.dependencies]\nbase = { package = \"store\" }\n",
            ),
        ],
        expect![[r"
            crates/domain/Cargo.toml: `domain` must not depend on `store`
            crates/store/Cargo.toml:5: `store` must not depend on `engine`
            crates/web/Cargo.toml:4: `web` must not depend on `perennial`
        "]],
    );
}

#[test]
fn the_testkit_is_for_tests_only() {
    check(
        layering::dependencies,
        &[
            ("crates/web/Cargo.toml", "[package]\nname = \"web\"\n[dev-dependencies]\ntestkit.workspace = true\n"),
            ("crates/engine/Cargo.toml", "[package]\nname = \"engine\"\n[dependencies]\ntestkit.workspace = true\n"),
        ],
        expect![[r"
            crates/engine/Cargo.toml:4: `engine` must not depend on `testkit`
        "]],
    );
}

#[test]
fn the_domain_takes_few_libraries() {
    check(
        layering::dependencies,
        &[(
            "crates/domain/Cargo.toml",
            "[package]\nname = \"domain\"\n[dependencies]\njiff = \"0.2\"\nrand = \"0.9\"\n[dev-dependencies]\nproptest = \"1\"\n",
        )],
        expect![[r"
            crates/domain/Cargo.toml:5: `domain` must not depend on the library `rand`
        "]],
    );
}

#[test]
fn a_new_crate_needs_a_place_in_the_layers() {
    check(
        layering::dependencies,
        &[("crates/extra/Cargo.toml", "[package]\nname = \"extra\"\n"), ("crates/broken/Cargo.toml", "[package\n")],
        expect![[r"
            crates/broken/Cargo.toml: is not a manifest: unclosed table, expected `]`
            crates/extra/Cargo.toml: the crate `extra` has no place in the layers (xtask/src/tidy/layering.rs)
        "]],
    );
}

#[test]
fn the_domain_is_pure() {
    check(
        source::pure_domain,
        &[
            (
                "crates/domain/src/order.rs",
                "use std::{fmt, io};\nuse std::fs::File;\nasync fn pay() {}\nfn share(part: f64) {}\nlet now = Instant::now();\n",
            ),
            ("crates/domain/src/money.rs", "// No f64, ever.\nlet text = \"tokio\";\nlet operand = 1;\n"),
            ("crates/engine/src/lib.rs", "use std::fs;\n"),
        ],
        expect![[r"
            crates/domain/src/order.rs:2: the domain is pure: no `std::fs`
            crates/domain/src/order.rs:3: the domain is pure: no `async fn`
            crates/domain/src/order.rs:4: the domain is pure: no `f64`
            crates/domain/src/order.rs:5: the domain is pure: no `Instant::now`
            crates/domain/src/order.rs:1: the domain is pure: no `std::io`
        "]],
    );
}

#[test]
fn the_calendar_library_stays_in_the_calendar() {
    check(
        source::calendar_in_one_place,
        &[
            ("crates/domain/src/renewal/mod.rs", "use jiff::Timestamp;\nuse crate::civil::date;\n"),
            ("crates/domain/src/calendar.rs", "use jiff::civil::date;\n"),
            ("crates/domain/src/time/parse.rs", "use jiff::Timestamp;\n"),
            ("crates/web/src/lib.rs", "use jiff::Timestamp;\n"),
        ],
        expect![[r"
            crates/domain/src/renewal/mod.rs:1: calendar arithmetic belongs in calendar.rs: no `jiff::` here
            crates/domain/src/renewal/mod.rs:2: calendar arithmetic belongs in calendar.rs: no `civil::` here
        "]],
    );
}

#[test]
fn banned_habits_are_found() {
    check(
        source::banned_habits,
        &[
            (
                "crates/web/src/lib.rs",
                "#![allow(dead_code)]\nlet a = 1; // TODO more\n#[allow(unused)]\nlet text = \"FIXME\";\n",
            ),
            ("crates/web/src/order/tests.rs", "#[ignore = \"slow\"]\nstd::thread::sleep(second);\n"),
            ("crates/web/src/worker.rs", "std::thread::sleep(second);\n"),
            ("crates/store/src/sqlite/migrations/0001_start.sql", "-- FIXME: an index\n"),
        ],
        expect![[r"
            crates/store/src/sqlite/migrations/0001_start.sql:1: `FIXME`: do it or drop it
            crates/web/src/lib.rs:2: `TODO`: do it or drop it
            crates/web/src/lib.rs:1: `#[expect]` with a reason instead of `#[allow]`
            crates/web/src/lib.rs:3: `#[expect]` with a reason instead of `#[allow]`
            crates/web/src/order/tests.rs:1: a test runs or goes: no `#[ignore]`
            crates/web/src/order/tests.rs:2: a test waits for a condition or moves the clock: no `thread::sleep`
        "]],
    );
}

#[test]
fn a_long_file_has_two_subjects() {
    let long = "fn f() {}\n".repeat(1201);
    let generated = format!("// @generated\n{long}");
    check(
        source::file_size,
        &[
            ("crates/web/src/long.rs", &long),
            ("crates/web/src/fits.rs", &long[10..]),
            ("crates/web/src/made.rs", &generated),
            ("crates/web/tests/long.rs", &long),
        ],
        expect![[r"
            crates/web/src/long.rs: 1201 lines, more than 1200: it has more than one subject
        "]],
    );
}

#[test]
fn migrations_count_up_without_gaps() {
    check(
        migrations::numbering,
        &[
            ("crates/store/src/sqlite/migrations/0001_start.sql", ""),
            ("crates/store/src/sqlite/migrations/0003_more.sql", ""),
            ("crates/store/src/sqlite/migrations/0003_twice.sql", ""),
            ("crates/store/src/sqlite/migrations/4_Short.sql", ""),
        ],
        expect![[r"
            crates/store/src/sqlite/migrations/0003_more.sql: migrations count up without gaps: 0002 comes here
            crates/store/src/sqlite/migrations/0003_twice.sql: migrations count up without gaps: 0004 comes here
            crates/store/src/sqlite/migrations/4_Short.sql: a migration is named NNNN_name.sql, the name in lower case
        "]],
    );
}

#[test]
fn a_store_has_migrations() {
    check(
        migrations::numbering,
        &[],
        expect![[r"
            crates/store/src/sqlite/migrations: holds no migration
        "]],
    );
}

const CODE: (&str, &str) = ("crates/domain/src/renewal.rs", "impl Quote { pub fn price() {} }\n");

/// A table with a row for every rule but those whose rows are given.
fn rules_with(rows: &str) -> String {
    let listed = |rule: &String| rows.lines().any(|row| row.starts_with(&format!("| {rule} |")));
    let others = rules::all_rules().filter(|rule| !listed(rule));
    let others: String = others.map(|rule| format!("| {rule} | Text. | not yet | not yet |\n")).collect();
    format!("| rule | says | code | tests |\n| --- | --- | --- | --- |\n{rows}{others}")
}

#[test]
fn rules_with_true_evidence_pass() {
    let table =
        rules_with("| R-3 | Text. | `crates/domain/src/renewal.rs` `Quote::price()` `Quote` | `crates/domain/src` |\n");
    check(rules::evidence, &[("docs/rules.md", &table), CODE], expect![[""]]);
}

#[test]
fn evidence_that_is_gone_is_found() {
    let table = rules_with(
        "| R-1 | Text. | `crates/domain/src/gone.rs` `quote` | `crates/domain/src/renewal.rs` `renews` |\n\
         | R-2 | Text. | `quote` | nothing |\n\
         | R-3 | Text. | not yet | `crates/domain/src/renewal.rs` |\n\
         | R-4 | | not yet | not yet |\n\
         | R-5 | Text. | not yet |\n",
    );
    check(
        rules::evidence,
        &[("docs/rules.md", &table), CODE],
        expect![[r"
            docs/rules.md:3: R-1 names `crates/domain/src/gone.rs`, which is missing
            docs/rules.md:3: R-1 names `renews`, which is not in crates/domain/src/renewal.rs
            docs/rules.md:4: R-2 names `quote` but no file before it
            docs/rules.md:4: R-2 names no file in its cell for code
            docs/rules.md:4: R-2 names no file in its cell for tests
            docs/rules.md:5: R-3 says `not yet` in one cell only
            docs/rules.md:6: R-4 says nothing
            docs/rules.md:7: the row of R-5 has 3 cells, not 4
        "]],
    );
}

#[test]
fn every_rule_has_one_row() {
    let table = rules_with("").replace("| W-2 |", "| W-9 |").replace("| L-8 |", "| L-7 |");
    check(
        rules::evidence,
        &[("docs/rules.md", &table)],
        expect![[r"
            docs/rules.md:54: L-7 has a row already, in line 53
            docs/rules.md: W-2 has no row
            docs/rules.md: L-8 has no row
            docs/rules.md:45: there is no rule W-9
        "]],
    );
}

#[test]
fn links_lead_somewhere() {
    check(
        documents::links,
        &[
            (
                "docs/start.md",
                "See [all](../README.md#top), [site](https://example.com), [here](#top) and [gone](gone.md).\n",
            ),
            (
                "README.md",
                "[a](docs/start.md \"Start\") ![b](docs/none.png) `[c](none.md)`\n```\n[d](none.md)\n```\n[out](../up.md)\n\n[e]: docs/none.md\n",
            ),
        ],
        expect![[r"
            README.md:1: the link to `docs/none.png` leads nowhere
            README.md:5: the link to `../up.md` leads nowhere
            README.md:7: the link to `docs/none.md` leads nowhere
            docs/start.md:1: the link to `gone.md` leads nowhere
        "]],
    );
}

#[test]
fn an_invariant_says_what_checks_it() {
    check(
        documents::invariants,
        &[(
            "ARCHITECTURE.md",
            "- **I-1** Pure.\n  Check: `ARCHITECTURE.md`, run by `tidy`.\n- **I-2** Bold.\n\n  Check: `a.md`\n- **I-3** Check: by hand.\n- **I-4** Check: `crates/gone.rs`.\n",
        )],
        expect![[r"
            ARCHITECTURE.md:3: I-2 has no `Check:`
            ARCHITECTURE.md:6: the check of I-3 names no file
            ARCHITECTURE.md:7: I-4 is checked by `crates/gone.rs`, which is missing
        "]],
    );
}

#[test]
fn an_architecture_has_invariants() {
    check(
        documents::invariants,
        &[],
        expect![[r"
        ARCHITECTURE.md: is missing
    "]],
    );
    check(
        documents::invariants,
        &[("ARCHITECTURE.md", "# Architecture\n")],
        expect![[r"
        ARCHITECTURE.md: lists no invariant, such as `- **I-1** … Check: `path`.`
    "]],
    );
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    let text = "let a = \"x // \\\" y\";// one\n/* two /* three */ */ let b = r#\"f64 \" \"#;\nlet c: &'static str = '\"';// four\nlet d = b'\\'';\n";

    let source = SourceText::of(text);

    expect![[r"
        let a =  ;
         let b =  ;
        let c: &'static str =  ;
        let d = b ;
    "]]
    .assert_eq(&source.code);
    expect![[r"
        // one
        /* two /* three */ */
        // four

    "]]
    .assert_eq(&source.comments);
}

#[test]
fn a_word_is_not_part_of_a_longer_one() {
    assert!(has_word("a rand::thread_rng b", "rand"));
    assert!(!has_word("operand brand rand_core", "rand"));
    assert!(has_word("x.f64", "f64"));
    assert!(has_word("#[ignore]", "#[ignore"));
}
