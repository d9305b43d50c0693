//! What ends only when a time of the product's own is over, or runs slowly by design: it is shown side by side, since it
//! waits. Each function stands in the module of what it shows.

use crate::common::in_parallel;
use crate::push::{breaks, database, pace};
use crate::{device, outputs};

/// Name and function, the longest last: they are begun from the end.
const WAITS: [(&str, fn()); 11] = [
    ("a slow rate", pace::a_slow_rate_is_no_trouble_of_the_gateway),
    ("servers that do not begin", breaks::servers_that_do_not_begin_are_given_up_in_time),
    ("a wait is told", pace::a_wait_is_told_with_its_reason),
    ("an outage", pace::an_outage_ends_the_run_and_the_next_one_goes_on),
    ("a row that is replaced", database::a_row_that_is_replaced_while_a_run_reads_comes_a_second_time),
    ("a pipe that nobody reads", outputs::a_pipe_that_nobody_reads_is_not_waited_for_for_ever),
    ("a gateway that lets wait", device::a_gateway_that_lets_wait_is_told_before_the_limit),
    ("a stream that is refused", breaks::a_stream_that_is_always_refused_ends_as_not_sent),
    ("GOAWAY each time", breaks::a_gateway_that_always_says_goaway_is_given_up),
    ("a locked database", database::a_locked_database_ends_with_6_after_all_was_sent),
    ("no stream", breaks::a_server_that_allows_no_stream_is_given_up),
];

#[test]
fn what_waits_ends_in_its_time() {
    in_parallel(WAITS, |(name, wait)| {
        assert!(std::panic::catch_unwind(wait).is_ok(), "{name}: its panic is above");
    });
}
