//! What all pages share: their frame, their style sheet, and text that stays text.

use super::path;

/// The style sheet of the pages.
pub(crate) const STYLE: &str = include_str!("../../assets/docs.css");

/// The media type of pages.
pub(crate) const MEDIA_TYPE: &str = "text/html";

/// A whole page. `body` is HTML.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"{}\">\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title),
        path::DOCS_STYLE,
    )
}

/// Words as HTML.
pub(crate) fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
