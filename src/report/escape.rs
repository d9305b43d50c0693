//! Escapes that several formats share.

use crate::text::escaped;

/// Escapes text for an element or an attribute of XML or HTML. Foreign text in it is bounded before.
pub(super) fn xml(text: &str) -> String {
    let text = xml_characters(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Replaces what XML 1.0 has no way to write.
pub(super) fn xml_characters(text: &str) -> String {
    escaped(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
