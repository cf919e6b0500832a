//! Tells the code of a Rust file from its comments and literals, well enough to search for words in each.

/// Two copies of a file with its line breaks in place: one has only the code, the other only the comments.
/// Literals are in neither.
pub struct SourceText {
    pub code: String,
    pub comments: String,
}

impl SourceText {
    pub fn of(text: &str) -> Self {
        let mut source = Self { code: String::with_capacity(text.len()), comments: String::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let (kind, length) = next_piece(rest, source.code.chars().next_back());
            let (piece, after) = rest.split_at(length);
            source.push(&kind, piece);
            rest = after;
        }
        source
    }

    fn push(&mut self, kind: &Piece, piece: &str) {
        let breaks = piece.matches('\n').map(|_| '\n');
        match kind {
            Piece::Code => {
                self.code.push_str(piece);
                self.comments.extend(breaks);
            }
            Piece::Comment => {
                self.code.extend(breaks);
                self.comments.push_str(piece);
            }
            // A blank stands for the literal, so that the words beside it stay apart.
            Piece::Literal => {
                self.code.push(' ');
                self.code.extend(breaks.clone());
                self.comments.extend(breaks);
            }
        }
    }
}

enum Piece {
    Code,
    Comment,
    Literal,
}

/// What `text` begins with, and how many bytes of it belong to that.
fn next_piece(text: &str, before: Option<char>) -> (Piece, usize) {
    if text.starts_with("//") {
        return (Piece::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Piece::Comment, block_comment(text));
    }
    if !before.is_some_and(is_word_char)
        && let Some(length) = raw_string(text)
    {
        return (Piece::Literal, length);
    }
    if text.starts_with('"') {
        return (Piece::Literal, quoted(text, '"'));
    }
    if is_char_literal(text) {
        return (Piece::Literal, quoted(text, '\''));
    }
    (Piece::Code, text.chars().next().map_or(0, char::len_utf8))
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#` and their byte and C forms.
fn raw_string(text: &str) -> Option<usize> {
    let after_prefix = ["br", "cr", "r"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let body = after_prefix.trim_start_matches('#');
    let hashes = &after_prefix[..after_prefix.len() - body.len()];
    let body = body.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    let end_at = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + end_at)
}

/// The length of a literal that begins and ends with `quote` and escapes with a backslash.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + char.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(text: &str) -> bool {
    let mut chars = text.chars();
    let first_three = (chars.next(), chars.next(), chars.next());
    matches!(first_three, (Some('\''), Some('\\'), _) | (Some('\''), Some(_), Some('\'')))
}

/// Whether `word` stands in `text` and is not part of a longer word.
pub fn has_word(text: &str, word: &str) -> bool {
    let starts_inside = word.starts_with(is_word_char);
    let ends_inside = word.ends_with(is_word_char);
    text.match_indices(word).any(|(at, _)| {
        let joined_before = starts_inside && text[..at].ends_with(is_word_char);
        let joined_after = ends_inside && text[at + word.len()..].starts_with(is_word_char);
        !joined_before && !joined_after
    })
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}
