//! Renderers: reports turned into text for people and programs.

pub(crate) mod check;
pub(crate) mod field;
pub(crate) mod github;
pub(crate) mod html;
pub(crate) mod human;
pub(crate) mod ics;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod nagios;
pub(crate) mod prometheus;
pub(crate) mod shell;
pub(crate) mod style;
