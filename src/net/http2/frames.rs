//! HTTP/2 frames on the wire (RFC 9113 sections 4 and 6): enough to observe SETTINGS and GOAWAY. The `h2`
//! crate speaks the protocol itself.

use std::collections::BTreeMap;

use serde::Serialize;

/// The first bytes of a client (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113 section 6).
pub(crate) mod kind {
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
}

/// The flag ACK of SETTINGS.
pub(crate) const ACK: u8 = 1;

/// The size of a frame's header.
const HEADER: usize = 9;
/// The limit of a stored payload: SETTINGS have six bytes each, the debug data of GOAWAY is a short JSON.
const MAX_PAYLOAD: usize = 4096;

/// The parameters of SETTINGS (RFC 9113 section 6.5.2), from identifier 1 on.
const SETTINGS: [&str; 6] = [
    "header_table_size",
    "enable_push",
    "max_concurrent_streams",
    "initial_window_size",
    "max_frame_size",
    "max_header_list_size",
];

/// Error codes (RFC 9113 section 7), from 0 on.
const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// Returns the name of an error code.
pub(crate) fn error_name(code: u32) -> String {
    match ERRORS.get(code as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("error {code}"),
    }
}

/// Returns the name of a parameter of SETTINGS.
fn setting_name(id: u16) -> String {
    match SETTINGS.get(usize::from(id).wrapping_sub(1)) {
        Some(name) => (*name).to_owned(),
        None => format!("setting_{id}"),
    }
}

/// One frame; only RST_STREAM, SETTINGS and GOAWAY have a payload here, of 4 KiB at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// Finds the frames in a stream of bytes that arrives in pieces. Its memory is bounded.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    to_skip: usize,
    header: Vec<u8>,
    left: usize,
    current: Option<Frame>,
}

impl Scanner {
    /// Creates a scanner for what a client sends, which begins with [`PREFACE`].
    pub(crate) fn after_preface() -> Self {
        Self { to_skip: PREFACE.len(), ..Self::default() }
    }

    /// Takes the next piece; calls `on_frame` at the end of each frame.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut on_frame: impl FnMut(Frame)) {
        let skipped = self.to_skip.min(bytes.len());
        self.to_skip -= skipped;
        let mut rest = &bytes[skipped..];
        while !rest.is_empty() {
            rest = if self.current.is_some() { self.take_payload(rest) } else { self.take_header(rest) };
            if self.left == 0
                && let Some(frame) = self.current.take()
            {
                on_frame(frame);
            }
        }
    }

    /// Takes the next bytes of a payload; returns the bytes after it.
    fn take_payload<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(self.left.min(bytes.len()));
        self.left -= taken.len();
        if let Some(frame) = &mut self.current
            && matches!(frame.kind, kind::RST_STREAM | kind::SETTINGS | kind::GOAWAY)
        {
            let room = MAX_PAYLOAD - frame.payload.len();
            frame.payload.extend_from_slice(&taken[..room.min(taken.len())]);
        }
        rest
    }

    /// Takes the next bytes of a header; returns the bytes after it.
    fn take_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at((HEADER - self.header.len()).min(bytes.len()));
        self.header.extend_from_slice(taken);
        if let &[a, b, c, kind, flags, s, t, u, v] = self.header.as_slice() {
            self.left = u32::from_be_bytes([0, a, b, c]) as usize;
            let stream = u32::from_be_bytes([s, t, u, v]) & 0x7fff_ffff;
            self.current = Some(Frame { kind, flags, stream, payload: Vec::new() });
            self.header.clear();
        }
        rest
    }
}

/// SETTINGS by name; those without a name by number.
pub(crate) type Settings = BTreeMap<String, u32>;

/// Parses the payload of SETTINGS.
pub(crate) fn parse_settings(payload: &[u8]) -> Settings {
    let mut settings = Settings::new();
    let (entries, _) = payload.as_chunks::<6>();
    for &[a, b, c, d, e, f] in entries {
        settings.insert(setting_name(u16::from_be_bytes([a, b])), u32::from_be_bytes([c, d, e, f]));
    }
    settings
}

/// A GOAWAY frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GoAway {
    /// The name of its error code.
    pub(crate) code: String,
    /// The last stream that the server has processed.
    pub(crate) last_stream: u32,
    /// Its debug data, as text.
    pub(crate) debug_data: String,
    /// The reason, if the debug data is JSON with one.
    pub(crate) reason: Option<String>,
}

/// Parses the payload of GOAWAY.
pub(crate) fn parse_goaway(payload: &[u8]) -> Option<GoAway> {
    let (last, rest) = payload.split_first_chunk::<4>()?;
    let (code, debug) = rest.split_first_chunk::<4>()?;
    Some(GoAway {
        code: error_name(u32::from_be_bytes(*code)),
        last_stream: u32::from_be_bytes(*last) & 0x7fff_ffff,
        debug_data: String::from_utf8_lossy(debug).into_owned(),
        reason: parse_reason(debug),
    })
}

/// Returns the `reason` of a JSON object, as GOAWAY and responses have it.
pub(crate) fn parse_reason(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    let reason = value.get("reason")?.as_str()?;
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let mut bytes = vec![0, 0, 12, kind::SETTINGS, 0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0xe8, 0x12, 0x34, 0, 0, 0, 1];
        bytes.extend([0, 0, 3, 0, 0, 0, 0, 0, 1, 9, 9, 9]);
        let debug = br#"{"reason":"BadCertificateEnvironment"}"#;
        bytes.extend([0, 0, 8 + debug.len() as u8, kind::GOAWAY, 0, 0x80, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0]);
        bytes.extend(debug);
        bytes.extend([0, 0, 0, kind::SETTINGS, ACK, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes = bytes();
        for size in 1..=bytes.len() {
            let (mut scanner, mut frames) = (Scanner::default(), Vec::new());
            for piece in bytes.chunks(size) {
                scanner.feed(piece, |frame| frames.push(frame));
            }
            let kinds: Vec<_> = frames.iter().map(|frame| (frame.kind, frame.flags, frame.stream)).collect();
            assert_eq!(kinds, [(4, 0, 0), (0, 0, 1), (7, 0, 0), (4, ACK, 0)], "in pieces of {size}");
            let settings = parse_settings(&frames[0].payload);
            assert_eq!(settings["max_concurrent_streams"], 1000);
            assert_eq!(settings["setting_4660"], 1);
            assert_eq!(frames[1].payload, [0; 0], "the payload of DATA is passed over");
            let goaway = parse_goaway(&frames[2].payload).unwrap();
            assert_eq!((goaway.code.as_str(), goaway.last_stream), ("NO_ERROR", 7));
            assert_eq!(goaway.reason.as_deref(), Some("BadCertificateEnvironment"));
        }
    }

    #[test]
    fn the_preface_is_no_frame() {
        let mut scanner = Scanner::after_preface();
        let mut count = 0;
        scanner.feed(PREFACE, |_| count += 1);
        scanner.feed(&bytes(), |_| count += 1);
        assert_eq!(count, 4);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut scanner = Scanner::default();
        let mut frames = Vec::new();
        let header = [0xff, 0xff, 0xff, kind::GOAWAY, 0, 0, 0, 0, 0];
        scanner.feed(&header, |frame| frames.push(frame));
        for _ in 0..255 {
            scanner.feed(&[b'x'; 65536], |frame| frames.push(frame));
        }
        scanner.feed(&[b'x'; 65535], |frame| frames.push(frame));
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].payload.len(), MAX_PAYLOAD);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_and_cuts_make_no_difference(bytes: Vec<u8>, cut: proptest::sample::Index) {
            let frames = |pieces: &[&[u8]]| {
                let (mut scanner, mut frames) = (Scanner::default(), Vec::new());
                pieces.iter().for_each(|piece| scanner.feed(piece, |frame| frames.push(frame)));
                frames
            };
            let (start, end) = bytes.split_at(cut.index(bytes.len() + 1));
            proptest::prop_assert_eq!(frames(&[&bytes]), frames(&[start, end]));
            parse_goaway(&bytes);
            parse_settings(&bytes);
        }
    }

    #[test]
    fn a_broken_goaway_is_none() {
        assert_eq!(parse_goaway(&[0; 7]), None);
        assert_eq!(parse_goaway(b"\0\0\0\0\0\0\0\x0bnot JSON").unwrap().reason, None);
        assert_eq!(error_name(99), "error 99");
    }
}
