//! The place that a report is written to, as far as its form depends on it.

use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::locale;
use crate::world::workspace::Workspace;

/// The columns of a terminal, where nothing better is known.
const COLUMNS: usize = 80;

/// What a renderer has to know of the place that it writes to.
#[derive(Debug, Clone)]
pub(crate) struct Medium {
    pub(crate) paint: Paint,
    /// Characters beyond ASCII are shown.
    pub(crate) has_unicode: bool,
    /// The longest row, in columns.
    pub(crate) columns: usize,
    /// The folder that the files of annotations are relative to.
    pub(crate) workspace: Workspace,
}

impl Medium {
    /// Describes standard output.
    pub(crate) fn stdout(context: &Context<'_>) -> Self {
        let columns = context.stdout_columns.unwrap_or(COLUMNS);
        Self { paint: Paint::new(context.stdout_has_color), columns, ..Self::file(context) }
    }

    /// Describes standard error.
    pub(crate) fn stderr(context: &Context<'_>) -> Self {
        Self { paint: Paint::new(context.stderr_has_color), ..Self::file(context) }
    }

    /// Describes a file.
    pub(crate) fn file(context: &Context<'_>) -> Self {
        Self {
            paint: Paint::new(false),
            has_unicode: locale::is_utf8(context.variable),
            columns: COLUMNS,
            workspace: Workspace::find(context.variable),
        }
    }
}
