//! Cells of a table: their width on a terminal, and how a text is shortened to fit.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the columns that a text takes. Han characters take two, marks none.
pub(super) fn width_of(text: &str) -> usize {
    text.width()
}

/// Fills a cell with spaces.
pub(super) fn pad(text: String, width: usize) -> String {
    let spaces = width.saturating_sub(width_of(&text));
    format!("{text}{}", " ".repeat(spaces))
}

/// Leaves out the middle of a name that is too wide.
pub(super) fn shorten_name(name: &str, width: usize, has_unicode: bool) -> Cow<'_, str> {
    if width_of(name) <= width {
        return Cow::Borrowed(name);
    }
    let sign = ellipsis(has_unicode);
    let room = width.saturating_sub(width_of(sign));
    let beginning = head(name, room / 2);
    let end = tail(name, room - width_of(beginning));
    Cow::Owned(format!("{beginning}{sign}{end}"))
}

/// Leaves out the middle of a path that is too wide: the last name in it stays whole, if there is room.
pub(super) fn shorten_path(path: &str, width: usize, has_unicode: bool) -> Cow<'_, str> {
    if width_of(path) <= width {
        return Cow::Borrowed(path);
    }
    let sign = ellipsis(has_unicode);
    let last = path.rfind('/').map_or(path, |slash| &path[slash..]);
    match width.checked_sub(width_of(sign) + width_of(last)) {
        Some(room) if room > 0 => Cow::Owned(format!("{}{sign}{last}", head(path, room))),
        _ => shorten_name(path, width, has_unicode),
    }
}

/// Returns what stands for the part that is left out.
fn ellipsis(has_unicode: bool) -> &'static str {
    if has_unicode { "…" } else { "..." }
}

/// Returns the longest beginning that fits.
fn head(text: &str, width: usize) -> &str {
    let mut columns = 0;
    for (index, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > width {
            return &text[..index];
        }
    }
    text
}

/// Returns the longest end that fits.
fn tail(text: &str, width: usize) -> &str {
    let mut columns = 0;
    for (index, c) in text.char_indices().rev() {
        columns += c.width().unwrap_or(0);
        if columns > width {
            return &text[index + c.len_utf8()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_their_last_name() {
        let path = "/etc/push/production/customers/acme/old.pem";
        assert_eq!(shorten_path(path, 43, true), path);
        assert_eq!(shorten_path(path, 24, true), "/etc/push/produ…/old.pem");
        assert_eq!(shorten_path(path, 24, false), "/etc/push/pro.../old.pem");
        assert_eq!(shorten_path(path, 9, true), "/etc….pem");
        assert_eq!(shorten_path("a-name-that-is-much-too-long.pem", 11, true), "a-nam…g.pem");
    }

    #[test]
    fn whatever_the_text_and_the_width_it_fits() {
        for text in
            ["com.example.a-very-long-name", "株式会社の証明書/証明書.pem", "a/b/e\u{301}e\u{301}e\u{301}", "x", ""]
        {
            for width in 0..40 {
                for has_unicode in [true, false] {
                    let least = if has_unicode { 1 } else { 3 };
                    for short in [shorten_name(text, width, has_unicode), shorten_path(text, width, has_unicode)] {
                        assert!(width_of(&short) <= width.max(least), "{text} {width}: {short}");
                    }
                    let padded = pad(shorten_name(text, width, has_unicode).into_owned(), width);
                    assert_eq!(width_of(&padded), width.max(width_of(padded.trim_end())), "{text} {width}");
                }
            }
        }
    }
}
