//! The reference as pages: rendered once, from the OpenAPI document and the table of errors. No script, nothing from
//! elsewhere.

use std::fmt::Write;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::html::{escape, page};
use super::path;

/// What to do about each error.
const ERRORS: &str = include_str!("../../../../docs/reference/errors.md");

/// What does not change while the process lives.
#[derive(Debug)]
pub(crate) struct Pages {
    /// The OpenAPI document.
    pub(crate) openapi: String,
    /// The same for people.
    pub(crate) reference: String,
    /// The errors for people.
    pub(crate) errors: String,
}

impl Pages {
    /// The pages of a document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).expect("an OpenAPI document is plain data");
        let openapi = serde_json::to_string_pretty(&document).expect("an OpenAPI document is plain data");
        Self { openapi, reference: reference(&document), errors: errors(ERRORS) }
    }
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn reference(document: &Value) -> String {
    let mut body = String::new();
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    put(&mut body, &format!("<h1>{} API</h1>", escape(title)));
    put(&mut body, &format!("<p>Version {}.", escape(version)));
    put(&mut body, &format!(" <a href=\"{}\">OpenAPI document</a>,", path::OPENAPI));
    put(&mut body, &format!(" <a href=\"{}\">error codes</a>.</p>", path::DOCS_ERRORS));
    paragraphs(&mut body, text(&document["info"]["description"]));
    let tags: Vec<_> = array(&document["tags"]).iter().map(|tag| text(&tag["name"])).collect();
    contents(&mut body, document, &tags);
    for (tag, entry) in tags.iter().zip(array(&document["tags"])) {
        put(&mut body, &format!("<h2>{}</h2>", escape(tag)));
        paragraphs(&mut body, text(&entry["description"]));
        for (url, method, operation) in operations(document, tag) {
            operation_section(&mut body, url, method, operation);
        }
    }
    put(&mut body, "<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in object(&document["components"]["schemas"]) {
        schema_section(&mut body, name, schema);
    }
    page(&format!("{title} API"), &body)
}

/// The operations of a tag: URL, method, operation.
fn operations<'a>(document: &'a Value, tag: &'a str) -> impl Iterator<Item = (&'a str, &'static str, &'a Value)> {
    object(&document["paths"]).flat_map(move |(url, item)| {
        let found = METHODS.into_iter().filter_map(move |method| Some((url, method, item.get(method)?)));
        found.filter(move |(_, _, operation)| array(&operation["tags"]).iter().any(|name| text(name) == tag))
    })
}

fn contents(body: &mut String, document: &Value, tags: &[&str]) {
    put(body, "<nav aria-label=\"Contents\">");
    for tag in tags {
        put(body, &format!("<p><strong>{}</strong></p><ul>", escape(tag)));
        for (_, _, operation) in operations(document, tag) {
            let (id, summary) = (text(&operation["operationId"]), text(&operation["summary"]));
            put(body, &format!("<li><a href=\"#{}\">{}</a></li>", escape(id), escape(summary)));
        }
        put(body, "</ul>");
    }
    put(body, "<p><a href=\"#schemas\">Schemas</a></p></nav>");
}

fn operation_section(body: &mut String, url: &str, method: &str, operation: &Value) {
    let id = escape(text(&operation["operationId"]));
    put(body, &format!("<section id=\"{id}\"><h3>{}</h3>", escape(text(&operation["summary"]))));
    let method = method.to_uppercase();
    put(
        body,
        &format!(
            "<p><code><span class=\"method\">{method}</span> <span class=\"path\">{}</span></code></p>",
            escape(url)
        ),
    );
    paragraphs(body, text(&operation["description"]));
    let rows = array(&operation["parameters"]).iter().map(parameter_row);
    table(body, ["Parameter", "Type", "Meaning"], rows);
    let request = &operation["requestBody"]["content"];
    for (_, content) in object(request) {
        put(body, &format!("<h4>Body</h4><p>{}</p>", type_of(&content["schema"])));
    }
    let rows = object(&operation["responses"]).map(|(status, response)| response_row(status, response));
    table(body, ["Status", "Body", "Meaning"], rows);
    put(body, "</section>");
}

type Cells = [String; 3];

fn parameter_row(parameter: &Value) -> Cells {
    let (name, place) = (escape(text(&parameter["name"])), escape(text(&parameter["in"])));
    let required = if parameter["required"] == true { "required" } else { "optional" };
    let place = if place == "path" { place } else { format!("{place}, {required}") };
    let name = format!("<code>{name}</code> ({place})");
    [name, type_of(&parameter["schema"]), inline(text(&parameter["description"]))]
}

fn response_row(status: &str, response: &Value) -> Cells {
    let content = object(&response["content"]).next();
    let kind = content.map_or(String::new(), |(_, content)| type_of(&content["schema"]));
    [format!("<code>{}</code>", escape(status)), kind, inline(text(&response["description"]))]
}

fn schema_section(body: &mut String, name: &str, schema: &Value) {
    put(body, &format!("<section id=\"schema-{0}\"><h3>{0}</h3>", escape(name)));
    paragraphs(body, text(&schema["description"]));
    if schema.get("properties").is_none() {
        put(body, &format!("<p>{}</p>", type_of(schema)));
    }
    let required = array(&schema["required"]);
    let rows = object(&schema["properties"]).map(|(name, property)| {
        let is_required = required.iter().any(|required| text(required) == name);
        let name = format!("<code>{}</code>{}", escape(name), if is_required { "" } else { " (optional)" });
        [name, type_of(property), meaning(property)]
    });
    table(body, ["Field", "Type", "Meaning"], rows);
    put(body, "</section>");
}

/// The description of a field, with its limits.
fn meaning(property: &Value) -> String {
    let limits = [("minimum", "at least", ""), ("maximum", "at most", ""), ("maxLength", "at most", " characters")];
    let limit = |(key, words, unit)| Some(format!("{words} {}{unit}", property.get(key)?));
    let limits: Vec<String> = limits.into_iter().filter_map(limit).collect();
    let example = property.get("example").map(|example| format!(" Example: <code>{}</code>.", escape(&plain(example))));
    let limits = if limits.is_empty() { String::new() } else { format!(" ({})", limits.join(", ")) };
    format!("{}{limits}{}", inline(text(&property["description"])), example.unwrap_or_default())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A schema in a few words, with a link to what has a section of its own.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| Some((*key, schema[*key].as_array()?)));
    if let Some((key, choices)) = choices {
        let separator = if key == "allOf" { " and " } else { " or " };
        return choices.iter().map(type_of).collect::<Vec<_>>().join(separator);
    }
    if let Some(words) = schema["enum"].as_array() {
        let word = |word: &Value| format!("<code>{}</code>", escape(&plain(word)));
        return words.iter().map(word).collect::<Vec<_>>().join(" or ");
    }
    let kind = &schema["type"];
    let kinds = kind.as_array().map_or_else(|| vec![text(kind)], |kinds| kinds.iter().map(text).collect()).join(" or ");
    if kinds.starts_with("array") {
        return format!("list of {}", type_of(&schema["items"]));
    }
    let fields = object(&schema["properties"])
        .map(|(name, property)| format!("<code>{}</code>: {}", escape(name), type_of(property)));
    let fields = fields.collect::<Vec<_>>().join(", ");
    let format = schema["format"].as_str().map(|format| format!(" ({})", escape(format))).unwrap_or_default();
    if fields.is_empty() { format!("{}{format}", escape(&kinds)) } else { fields }
}

fn errors(markdown: &str) -> String {
    let mut body = String::new();
    let mut rows = Vec::new();
    let mut lines = markdown.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            put(&mut body, &format!("<h2>{}</h2>", escape(title)));
        } else if let Some(title) = line.strip_prefix("# ") {
            put(&mut body, &format!("<h1>{}</h1>", escape(title)));
            put(&mut body, &format!("<p><a href=\"{}\">API reference</a></p>", path::DOCS));
        } else if line.starts_with("```") {
            let code: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            put(&mut body, &format!("<pre>{}</pre>", escape(&code.join("\n"))));
        } else if line.starts_with("| <a id=") {
            rows.push(error_row(line));
            if !lines.peek().is_some_and(|next| next.starts_with('|')) {
                table(&mut body, ["Code", "Status", "When", "What to do next"], rows.drain(..));
            }
        } else if !line.starts_with('|') && !line.is_empty() {
            put(&mut body, &format!("<p>{}</p>", inline(line)));
        }
    }
    page("Errors", &body)
}

fn error_row(line: &str) -> [String; 4] {
    let mut cells = line.trim_matches('|').split('|').map(str::trim);
    let code = cells.next().and_then(|cell| cell.split('`').nth(1)).unwrap_or_default();
    let code = format!("<code id=\"{0}\">{0}</code>", escape(code));
    let mut cell = || inline(cells.next().unwrap_or_default());
    [code, cell(), cell(), cell()]
}

fn table<const N: usize>(body: &mut String, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    put(body, "<div class=\"scroll\"><table><thead><tr>");
    for title in head {
        put(body, &format!("<th scope=\"col\">{title}</th>"));
    }
    put(body, "</tr></thead><tbody>");
    for row in rows {
        put(body, &format!("<tr><td>{}</td></tr>", row.join("</td><td>")));
    }
    put(body, "</tbody></table></div>");
}

fn put(body: &mut String, html: &str) {
    writeln!(body, "{html}").expect("text takes text");
}

fn paragraphs(body: &mut String, words: &str) {
    for paragraph in words.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        put(body, &format!("<p>{}</p>", inline(paragraph)));
    }
}

/// Escaped text in which `code` is marked.
fn inline(words: &str) -> String {
    let mut html = String::new();
    for (number, part) in words.split('`').enumerate() {
        let part = escape(part);
        html.push_str(&if number % 2 == 1 { format!("<code>{part}</code>") } else { part });
    }
    html
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
