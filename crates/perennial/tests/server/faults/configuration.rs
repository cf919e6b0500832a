//! Options: wrong ones are all named at once, and nothing is started or made.

use std::fs;

use tempfile::TempDir;

use crate::harness::{Client, OPERATOR_KEY, Process, perennial, perennial_with, program};

#[test]
fn wrong_options_are_reported_together() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let args = ["serve", "--listen", "nowhere", "--time-zone", "Mars/Olympus", "--operator-key", "short"];
    let more = ["--test-clock", "yesterday", "--roles", "web,cook", "--public-url", "billing", "--log-format", "xml"];
    let data_dir = ["--data-dir", data.to_str().unwrap(), "--database-url", "postgres://db/perennial"];

    let reasons = perennial(&[&args[..], &more, &data_dir].concat()).refused();

    let keys: Vec<_> = reasons.lines().map(|line| line.split(": ").nth(1).unwrap_or(line)).collect();
    let expected =
        ["operator_key", "listen", "time_zone", "test_clock", "roles", "public_url", "log_format", "database_url"];
    assert_eq!(keys, expected, "{reasons}");
    assert!(!data.exists(), "a folder was made");
}

#[test]
fn an_unknown_key_of_the_configuration_file_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("perennial.toml");
    fs::write(&file, "listen = \"127.0.0.1:0\"\nlisten_to = \"music\"\n").unwrap();

    let unknown = perennial(&["serve", "--config", file.to_str().unwrap()]).refused();
    let missing = perennial(&["serve", "--config", "/nowhere/perennial.toml"]).refused();
    fs::write(&file, "listen = 8080\n").unwrap();
    let wrong = perennial(&["serve", "--config", file.to_str().unwrap()]).refused();

    assert!(unknown.contains("unknown field `listen_to`") && unknown.lines().count() == 1, "{unknown}");
    assert!(missing.contains("/nowhere/perennial.toml"), "{missing}");
    assert!(wrong.contains("invalid type"), "{wrong}");
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("perennial.toml");
    fs::write(&file, "listen = \"file\"\ntime_zone = \"file\"\nroles = \"file\"\n").unwrap();
    let variables = [("PERENNIAL_LISTEN", "variable"), ("PERENNIAL_TIME_ZONE", "variable")];

    let args = ["serve", "--config", file.to_str().unwrap(), "--listen", "flag"];
    let reasons = perennial_with(&args, &variables).refused();

    let words: Vec<_> = reasons.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(words, ["flag", "variable", "file"], "{reasons}");
}

#[test]
fn an_unknown_flag_and_a_missing_command_are_refused() {
    let flag = perennial(&["serve", "--lisen", "127.0.0.1:0"]).refused();
    let command = perennial(&["sevre"]).refused();
    let nothing = perennial(&[]).refused();

    assert!(flag.contains("'--lisen'") && flag.contains("--listen"), "{flag}");
    assert!(command.contains("'sevre'"), "{command}");
    assert!(nothing.contains("Usage: perennial"), "{nothing}");
}

#[test]
fn an_address_that_is_in_use_is_refused_by_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();

    let args = ["serve", "--listen", &address, "--data-dir", folder.path().to_str().unwrap()];
    let reason = perennial(&args).refused();

    assert!(reason.contains(&address) && reason.lines().count() == 1, "{reason}");
}

#[test]
fn without_an_operator_key_one_is_made_and_shown_once() {
    let folder = TempDir::new().unwrap();
    let serve = || {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"]).arg(folder.path());
        Process::start(command)
    };

    let mut first = serve();
    let key = first.line_after("operator key, shown only now: ");
    let client = Client::new(&first.line_after("listening on "), &key);
    let accounts = client.get("/v1/accounts").status;
    let said_later = first.terminate().succeeded().stdout;
    let mut second = serve();
    let client = client.at(&second.line_after("listening on "));
    let again = client.get("/v1/accounts").status;
    let ignored = client.with_key(OPERATOR_KEY).get("/v1/accounts").status;
    second.terminate().succeeded();

    assert_eq!((accounts, again, ignored), (200, 200, 401));
    assert!(!said_later.contains(&key));
}

#[test]
fn a_process_without_the_web_role_names_no_address() {
    let folder = TempDir::new().unwrap();
    let mut command = program();
    command.args(["serve", "--roles", "worker", "--listen", "127.0.0.1:0", "--log", "warn"]);
    command.args(["--operator-key", OPERATOR_KEY, "--data-dir"]).arg(folder.path());

    let mut process = Process::start(command);
    let ready = process.line_after("ready");
    let finished = process.terminate().succeeded();

    assert_eq!(ready, ": due work is done, no address is listened on");
    assert_eq!(finished.stdout, "");
}
