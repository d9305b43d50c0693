//! `pushcert check` against the gateway: every way to fail, and what the report makes of it.

mod advice;
mod certificates;
mod expectations;
mod faults;
mod formats;
mod network;
mod proof;
mod relay;
mod revocation;
pub(crate) mod servers;
mod tokens;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pushcert::testing::{Environment, GatewayOptions, RunningGateway};
use serde_json::Value;

use crate::common::{Test, fixture};

/// The limit of each stage in these tests, in milliseconds.
const TIMEOUT: u64 = 1500;

/// Of the fixtures.
const PASSWORD: &str = "push";

/// A gateway, and the files that a client of it needs.
pub(crate) struct Stage {
    pub(crate) gateway: RunningGateway,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new(options: GatewayOptions) -> Self {
        let gateway = RunningGateway::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), gateway.ready.authority.to_pem().unwrap()).unwrap();
        if let Some(client) = &gateway.ready.client {
            let mut pem = client.certificate.to_pem().unwrap();
            pem.extend(client.key.private_key_to_pem_pkcs8().unwrap());
            std::fs::write(folder.path().join("client.pem"), pem).unwrap();
        }
        Self { gateway, folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self) -> String {
        format!("localhost:{}", self.gateway.ready.address.port())
    }

    /// Checks the throwaway certificate.
    fn check(&self, arguments: &[&str]) -> Checked {
        self.check_file(&self.file("client.pem"), arguments)
    }

    fn check_file(&self, certificate: &Path, arguments: &[&str]) -> Checked {
        let address = self.address();
        let ca = self.file("ca.pem");
        let mut all = vec!["--gateway", &address, "--ca-file", ca.to_str().unwrap()];
        all.extend(arguments);
        check(certificate, &all)
    }
}

/// A report and the exit code.
struct Checked {
    code: i32,
    report: Value,
    took: Duration,
}

impl Checked {
    fn first(&self) -> &Value {
        &self.report["checks"][0]
    }

    fn text(&self, pointer: &str) -> &str {
        self.first().pointer(pointer).and_then(Value::as_str).unwrap_or("-")
    }

    /// The last stage and how it went.
    fn end(&self) -> (&str, &str) {
        let stage = self.first()["stages"].as_array().and_then(|stages| stages.last()).unwrap();
        (stage["stage"].as_str().unwrap(), stage["status"].as_str().unwrap())
    }

    fn detail(&self, name: &str) -> &str {
        let stages = self.first()["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["stage"] == name);
        stage.and_then(|stage| stage["detail"].as_str()).unwrap_or("-")
    }
}

fn check(certificate: &Path, arguments: &[&str]) -> Checked {
    let timeout = format!("{TIMEOUT}ms");
    let mut test = Test::new().arg("check").arg(certificate).arg("--json").args(arguments).env("PASSWORD", PASSWORD);
    if !arguments.contains(&"--timeout") {
        test = test.args(["--timeout", &timeout]);
    }
    if certificate.starts_with(fixture("p12")) {
        test = test.args(["--passin", "env:PASSWORD"]);
    }
    read(test)
}

fn read(test: Test) -> Checked {
    let run = test.any_status().run();
    Checked { code: run.code.unwrap(), report: run.json(), took: run.took }
}

/// The fixtures' authorities as the gateway's.
fn fixture_authorities() -> Option<Vec<openssl::x509::X509>> {
    let read = |name| openssl::x509::X509::from_pem(&std::fs::read(fixture(name)).unwrap()).unwrap();
    Some(["ca/intermediate.pem", "ca/application-integration.pem", "ca/root.pem"].map(read).to_vec())
}

fn fixture_gateway(environment: Environment) -> Stage {
    Stage::new(GatewayOptions { environment, client_authorities: fixture_authorities(), ..GatewayOptions::default() })
}
