//! What happens to an app on a simulated device, for people.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;

use crate::device::alert::{Entry, ShownAlert};
use crate::device::{DeviceEnd, DeviceEvent, HandOver, RegisteredApp, Step, describe_status};
use crate::net::device_lines::DeviceMessage;
use crate::report::style::Paint;
use crate::text::printable;

/// Writes an event; `number` is that of a message.
pub(crate) fn write(out: &mut dyn Write, event: &DeviceEvent<'_>, number: u64, paint: Paint) -> io::Result<()> {
    match event {
        DeviceEvent::Started(app) => write_start(out, app, paint),
        DeviceEvent::HandedOver(provider, end) => {
            let end = match end {
                HandOver::Answered(status) => describe_status(status),
                HandOver::Stored => "registered".to_owned(),
            };
            writeln!(out, "{} {} ({end})", paint.faint("provider    "), printable(&provider.to_string()))
        }
        DeviceEvent::Message(message) => write_message(out, message, number, paint),
        DeviceEvent::Missed(count) => {
            writeln!(out, "{} {count} earlier notifications were not kept", paint.warning("missed"))
        }
        DeviceEvent::Waits(step, time) => write_wait(out, *step, *time),
    }
}

/// Writes that a step takes long.
pub(crate) fn write_wait(out: &mut dyn Write, step: Step, time: Duration) -> io::Result<()> {
    let what = match step {
        Step::Connect => "the gateway's answer",
        Step::HandOver => "the provider to take the token",
    };
    writeln!(out, "waiting for {what}, {} s so far; Ctrl-C ends it", time.as_secs())
}

/// Writes why an app stops to receive, unless that is what was asked for.
pub(crate) fn write_end(out: &mut dyn Write, end: DeviceEnd) -> io::Result<()> {
    match end {
        DeviceEnd::AllReceived => Ok(()),
        DeviceEnd::TimeOver(count) => writeln!(out, "the time is over: {count} notifications came"),
        DeviceEnd::Replaced => writeln!(out, "the app receives through another connection now"),
        DeviceEnd::Uninstalled => writeln!(out, "the app was removed from the device"),
    }
}

fn write_start(out: &mut dyn Write, app: &RegisteredApp, paint: Paint) -> io::Result<()> {
    writeln!(out, "{} {}", paint.faint("device token"), paint.strong(printable(&app.credentials.token)))?;
    let environment = app.environment.name();
    writeln!(out, "{} {} ({environment}; simulated)", paint.faint("app         "), printable(&app.topic))
}

fn write_message(out: &mut dyn Write, message: &DeviceMessage, number: u64, paint: Paint) -> io::Result<()> {
    let shown = ShownAlert::of(&message.payload);
    let kind = match &shown {
        None => "not JSON: a device ignores it",
        Some(shown) if shown.is_noticed() => message.push_type.as_deref().unwrap_or("no push type"),
        Some(_) => "silent",
    };
    writeln!(out)?;
    writeln!(out, "{} ({})", paint.strong(format!("notification {number}")), printable(kind))?;
    let Some(shown) = shown else {
        return write_line(out, "payload", &message.payload, paint);
    };
    for (label, text) in [("title", &shown.title), ("subtitle", &shown.subtitle), ("body", &shown.body)] {
        if let Some(text) = text {
            write_line(out, label, text, paint)?;
        }
    }
    for (label, value) in [("badge", &shown.badge), ("sound", &shown.sound)] {
        if let Some(value) = value {
            write_line(out, label, &text_of(value), paint)?;
        }
    }
    write_entries(out, &shown.other, paint)?;
    write_entries(out, &shown.custom, paint)?;
    write_line(out, "apns-id", &message.apns_id, paint)
}

fn write_entries(out: &mut dyn Write, entries: &[Entry], paint: Paint) -> io::Result<()> {
    for Entry { key, value } in entries {
        write_line(out, key, &text_of(value), paint)?;
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, label: &str, text: &str, paint: Paint) -> io::Result<()> {
    let label = format!("{:<12}", printable(label));
    writeln!(out, "  {} {}", paint.faint(label), printable(text))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
