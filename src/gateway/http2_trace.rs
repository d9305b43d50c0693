//! The rule that malformed headers break. `h2` refuses such a request without handing it on, and tells the rule only
//! to a subscriber of its trace.

use std::cell::RefCell;
use std::fmt::{self, Write};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, Metadata, Subscriber, dispatcher};

/// A message of `h2`, by its beginning, and the rule that it tells.
struct TracedRule {
    message: &'static str,
    rule: &'static str,
}

const fn traced(message: &'static str, rule: &'static str) -> TracedRule {
    TracedRule { message, rule }
}

/// The rule that a request without a path breaks. `h2` lets one without `:authority` pass.
pub(super) const NO_PATH: &str = ":path is given";

/// RFC 9113 sections 8.2 and 8.3, RFC 7541, and the limit in SETTINGS.
const RULES: [TracedRule; 16] = [
    traced(
        "load_hpack; connection level header",
        "no connection-specific header fields, such as connection or upgrade",
    ),
    traced("load_hpack; TE header", "te has no other value than trailers"),
    traced("load_hpack; header malformed -- pseudo", "pseudo-header fields come before the others"),
    traced("load_hpack; header malformed -- repeated", "a pseudo-header field is given once"),
    traced("load_hpack; header list size over", "the header list is not larger than MAX_HEADER_LIST_SIZE"),
    traced("hpack decoding error", "names are in lower case and values without line ends, encoded by HPACK"),
    traced("malformed headers: missing method", ":method is given"),
    traced("malformed headers: missing scheme", ":scheme is given"),
    traced("malformed headers: missing path", NO_PATH),
    traced("stream error PROTOCOL_ERROR -- error building request", NO_PATH),
    traced("malformed headers: malformed path", ":path is a path"),
    traced("malformed headers: malformed authority", ":authority is a host, with or without a port"),
    traced("malformed headers: malformed scheme", ":scheme is a scheme"),
    traced("malformed headers: :status", ":status is not for requests"),
    traced("malformed headers: :protocol", ":protocol is only for CONNECT"),
    traced("malformed headers: ", "CONNECT has an :authority alone"),
];

/// The modules of `h2` that read headers.
const MODULES: [&str; 2] = ["h2::frame::headers", "h2::server"];

thread_local! {
    static BROKEN: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Takes the rules that were broken since the last call, in this thread.
pub(super) fn take_broken_rules() -> Vec<&'static str> {
    BROKEN.with_borrow_mut(std::mem::take)
}

/// Listens from now on, in all threads.
pub(super) fn listen() {
    // A second gateway in the process finds the first one's listener.
    let _ = dispatcher::set_global_default(Dispatch::new(RuleListener));
}

struct RuleListener;

impl Subscriber for RuleListener {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && MODULES.contains(&metadata.target())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut RuleFinder);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct RuleFinder;

impl Visit for RuleFinder {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            return;
        }
        let mut message = String::new();
        let _ = write!(message, "{value:?}");
        for entry in RULES {
            if message.starts_with(entry.message) {
                return BROKEN.with_borrow_mut(|broken| broken.push(entry.rule));
            }
        }
    }
}
