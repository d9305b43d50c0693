//! Renderers: reports turned into text for people and programs.

pub mod check;
pub mod field;
pub mod github;
pub mod html;
pub mod human;
pub mod ics;
pub mod json;
pub mod junit;
pub mod nagios;
pub mod prometheus;
pub mod shell;
pub mod style;
