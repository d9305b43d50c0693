//! Checks the thresholds of --warn and --fail against one another.

use crate::certificate::threshold::Threshold;
use crate::error::Error;
use crate::exit::ExitKind;

/// Refuses a warning that comes after the failure: it would never be given.
///
/// # Errors
/// When it does.
pub(crate) fn check_order(warn: Threshold, fail: Threshold) -> Result<(), Error> {
    if !warn.is_shorter_than(fail) {
        return Ok(());
    }
    let message = format!("--warn {warn} is shorter than --fail {fail}: there would never be a warning");
    Err(Error::new(ExitKind::Usage, message).hint("give a longer --warn, or a shorter --fail"))
}
