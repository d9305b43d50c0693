//! HTTP/2 frames as they stand on the wire (RFC 9113 sections 4 and 6): enough to see SETTINGS and
//! GOAWAY go by. The protocol itself is spoken by `h2`.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a client sends first (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113 section 6).
pub(crate) mod kind {
    /// HEADERS.
    pub(crate) const HEADERS: u8 = 1;
    /// RST_STREAM.
    pub(crate) const RST_STREAM: u8 = 3;
    /// SETTINGS.
    pub(crate) const SETTINGS: u8 = 4;
    /// GOAWAY.
    pub(crate) const GOAWAY: u8 = 7;
    /// WINDOW_UPDATE.
    pub(crate) const WINDOW_UPDATE: u8 = 8;
}

/// The flag ACK of SETTINGS.
pub(crate) const ACK: u8 = 1;

/// The size of a frame's header.
const HEADER: usize = 9;
/// What is kept of a payload: SETTINGS have six bytes each, the debug data of GOAWAY is a short JSON.
const MAX_KEPT: usize = 4096;

/// The parameters of SETTINGS (RFC 9113 section 6.5.2), by identifier.
const SETTINGS: [&str; 6] = [
    "header_table_size",
    "enable_push",
    "max_concurrent_streams",
    "initial_window_size",
    "max_frame_size",
    "max_header_list_size",
];

/// Error codes (RFC 9113 section 7), by number.
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

/// The name of an error code.
pub(crate) fn error_name(code: u32) -> String {
    let known = usize::try_from(code).ok().and_then(|code| ERRORS.get(code));
    known.map_or_else(|| format!("error {code}"), |name| (*name).to_owned())
}

/// One frame; its payload only where it is SETTINGS or GOAWAY, and only the first 4 KiB of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its type.
    pub(crate) kind: u8,
    /// Its flags.
    pub(crate) flags: u8,
    /// Its stream.
    pub(crate) stream: u32,
    /// What is kept of its payload.
    pub(crate) payload: Vec<u8>,
}

/// Finds the frames in a stream of bytes that comes in pieces. Its memory is bounded.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    to_skip: usize,
    header: Vec<u8>,
    left: usize,
    current: Option<Frame>,
}

impl Scanner {
    /// For what a client sends, which begins with [`PREFACE`].
    pub(crate) fn after_preface() -> Self {
        Self { to_skip: PREFACE.len(), ..Self::default() }
    }

    /// Takes the next piece; calls `found` at the end of each frame.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Frame)) {
        let skipped = self.to_skip.min(bytes.len());
        self.to_skip -= skipped;
        bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            if let Some(frame) = &mut self.current {
                let (now, rest) = bytes.split_at(self.left.min(bytes.len()));
                if matches!(frame.kind, kind::SETTINGS | kind::GOAWAY) {
                    let room = MAX_KEPT - frame.payload.len();
                    frame.payload.extend_from_slice(&now[..room.min(now.len())]);
                }
                self.left -= now.len();
                bytes = rest;
            } else {
                let (now, rest) = bytes.split_at((HEADER - self.header.len()).min(bytes.len()));
                self.header.extend_from_slice(now);
                bytes = rest;
                if let [a, b, c, kind, flags, s @ ..] = &self.header[..]
                    && let Ok(stream) = <[u8; 4]>::try_from(s)
                {
                    self.left = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
                    let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
                    self.current = Some(Frame { kind: *kind, flags: *flags, stream, payload: Vec::new() });
                    self.header.clear();
                }
            }
            if self.left == 0
                && let Some(frame) = self.current.take()
            {
                found(frame);
            }
        }
    }
}

/// SETTINGS by name; those without one by number.
pub(crate) type Settings = BTreeMap<String, u32>;

/// Reads the payload of SETTINGS.
pub(crate) fn parse_settings(payload: &[u8]) -> Settings {
    let (entries, _) = payload.as_chunks::<6>();
    let entry = |[a, b, value @ ..]: &[u8; 6]| {
        let id = u16::from_be_bytes([*a, *b]);
        let name = usize::from(id).checked_sub(1).and_then(|index| SETTINGS.get(index));
        let name = name.map_or_else(|| format!("setting_{id}"), |name| (*name).to_owned());
        (name, u32::from_be_bytes(*value))
    };
    entries.iter().map(entry).collect()
}

/// A GOAWAY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GoAway {
    /// Its error code by name.
    pub(crate) code: String,
    /// The last stream that the server has looked at.
    pub(crate) last_stream: u32,
    /// Its debug data, as text.
    pub(crate) debug_data: String,
    /// The reason, where the debug data is JSON with one.
    pub(crate) reason: Option<String>,
}

/// Reads the payload of GOAWAY.
pub(crate) fn parse_goaway(payload: &[u8]) -> Option<GoAway> {
    let (last, rest) = payload.split_first_chunk::<4>()?;
    let (code, debug) = rest.split_first_chunk::<4>()?;
    Some(GoAway {
        code: error_name(u32::from_be_bytes(*code)),
        last_stream: u32::from_be_bytes(*last) & 0x7fff_ffff,
        debug_data: String::from_utf8_lossy(debug).into_owned(),
        reason: reason_in(debug),
    })
}

/// The `reason` of a JSON object, in GOAWAY and in answers alike.
pub(crate) fn reason_in(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    value.get("reason")?.as_str().map(str::to_owned)
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
        assert_eq!(frames[0].payload.len(), MAX_KEPT);
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
