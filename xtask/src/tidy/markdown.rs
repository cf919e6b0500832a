//! The little of Markdown that the checks need: prose, code spans, links.

/// The text with fenced blocks and code spans blanked, line by line.
pub fn prose(text: &str) -> Vec<String> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, None) => lines.push(without_code(line)),
            (None, Some(_)) => {
                fence = mark;
                lines.push(String::new());
            }
            (Some(open), _) => {
                if mark == Some(open) {
                    fence = None;
                }
                lines.push(String::new());
            }
        }
    }
    lines
}

fn without_code(line: &str) -> String {
    let mut prose = line.to_owned();
    for span in code_spans(line) {
        prose = prose.replacen(&format!("`{span}`"), "", 1);
    }
    prose
}

/// What stands between backticks on a line.
pub fn code_spans(line: &str) -> Vec<&str> {
    let parts: Vec<&str> = line.split('`').collect();
    // Every second part is inside; the last one lacks its closing mark when the number of marks is odd.
    let n_closed = (parts.len() - 1) / 2;
    parts.into_iter().skip(1).step_by(2).take(n_closed).collect()
}

/// The targets of the links on a line of prose, inline and as a definition (`[name]: target`).
pub fn links(prose: &str) -> Vec<&str> {
    let inline = prose.match_indices("](").map(|(at, opening)| &prose[at + opening.len()..]);
    let mut targets: Vec<&str> = inline.map(until_closed).collect();
    let is_definition = prose.starts_with('[') && !prose.starts_with("[^");
    if is_definition && let Some((_, target)) = prose.split_once("]: ") {
        targets.push(target);
    }
    // A title may follow the target.
    targets.iter().map(|target| target.trim().split(' ').next().unwrap_or_default()).map(without_angles).collect()
}

/// Up to the parenthesis that closes the link.
fn until_closed(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' if depth == 0 => return &text[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

fn without_angles(target: &str) -> &str {
    target.strip_prefix('<').and_then(|target| target.strip_suffix('>')).unwrap_or(target)
}

/// Whether a code span names a file or folder of the repository: `crates/domain/src/money.rs`, `clippy.toml`.
pub fn is_path(span: &str) -> bool {
    let is_file = [".json", ".md", ".rs", ".sh", ".sql", ".toml"].iter().any(|extension| span.ends_with(extension));
    !span.contains([' ', '{', ':']) && !span.starts_with('/') && (span.contains('/') || is_file)
}
