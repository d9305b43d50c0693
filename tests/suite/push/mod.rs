//! `pushcert push` against the gateway: one outcome a token, whatever happens, and the gateway's log agrees.

pub(crate) mod breaks;
pub(crate) mod database;
mod inputs;
mod outcomes;
pub(crate) mod pace;
#[cfg(unix)]
mod resume;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pushcert::testing::{GatewayOptions, TokenState};
use serde_json::Value;

use crate::check::Stage;
use crate::common::{Run, Test};

/// A gateway that knows some devices, and its log.
struct Scene {
    stage: Stage,
    tokens: Vec<String>,
    log: Arc<Mutex<Vec<Value>>>,
}

/// A run, and its lines.
struct Pushed {
    run: Run,
    lines: Vec<Value>,
}

fn device(number: usize) -> String {
    format!("{number:064x}")
}

impl Scene {
    /// A gateway with these faults, and so many devices.
    fn new(faults: &[&str], count: usize) -> Self {
        Self::with(GatewayOptions::default(), faults, count)
    }

    fn with(mut options: GatewayOptions, faults: &[&str], count: usize) -> Self {
        options.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        options.event_log =
            Some(Box::new(move |line| sink.lock().unwrap().push(serde_json::from_slice(line).unwrap())));
        let stage = Stage::new(options);
        let tokens: Vec<String> = (1..=count).map(device).collect();
        for token in &tokens {
            stage.gateway.tokens.set(token, TokenState::Active(None));
        }
        std::fs::write(stage.file("tokens.txt"), tokens.join("\n")).unwrap();
        Self { stage, tokens, log }
    }

    /// The command with the throwaway certificate, and an alert.
    fn command(&self) -> Test {
        let test = Test::new().arg("push").arg(self.stage.file("client.pem"));
        self.aimed(test).args(["--alert", "Hello"])
    }

    /// The command sends to the gateway.
    fn aimed(&self, test: Test) -> Test {
        let ca = self.stage.file("ca.pem");
        test.args(["--gateway", &self.stage.address(), "--ca-file"]).arg(ca).folder(self.stage.folder.path())
    }

    /// Sends to all devices.
    fn push(&self, arguments: &[&str]) -> Pushed {
        let test = self.command().args(["--tokens", "tokens.txt", "--json"]).args(arguments);
        Pushed::of(test.any_status().run())
    }

    /// The answers that each token got, as the gateway has logged them.
    fn answers(&self) -> BTreeMap<String, Vec<u64>> {
        let mut answers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for line in self.log.lock().unwrap().iter() {
            if line["event"] == "request" {
                let token = line["token"].as_str().unwrap().to_owned();
                answers.entry(token).or_default().push(line["answer"]["status"].as_u64().unwrap());
            }
        }
        answers
    }

    /// Asserts that each token has one outcome, that what was accepted is logged as such, and that nothing was accepted
    /// twice unless the results say so.
    #[track_caller]
    fn assert_agrees(&self, pushed: &Pushed) {
        let outcomes = pushed.outcomes();
        assert_eq!(outcomes.len(), self.tokens.len(), "{}", pushed.run.stderr);
        let answers = self.answers();
        for (token, line) in &outcomes {
            let good = answers.get(token).map_or(0, |list| list.iter().filter(|status| **status == 200).count());
            match line["outcome"].as_str().unwrap() {
                "accepted" if line["may_be_duplicate"] == true => assert!(good >= 1, "{line}"),
                "accepted" => assert_eq!(good, 1, "{line}"),
                "unknown" => assert!(good <= 1, "{line}"),
                _ => assert_eq!(good, 0, "{line}"),
            }
        }
    }
}

impl Pushed {
    fn of(run: Run) -> Self {
        let lines = run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { run, lines }
    }

    /// The lines of tokens, by token; each has one.
    #[track_caller]
    fn outcomes(&self) -> BTreeMap<String, Value> {
        let mut outcomes = BTreeMap::new();
        for line in &self.lines {
            let Some(token) = line["token"].as_str() else { continue };
            assert!(outcomes.insert(token.to_owned(), line.clone()).is_none(), "twice: {line}");
        }
        outcomes
    }

    fn count(&self, outcome: &str) -> usize {
        self.outcomes().values().filter(|line| line["outcome"] == outcome).count()
    }

    fn summary(&self) -> &Value {
        self.lines.last().map_or(&Value::Null, |line| &line["summary"])
    }

    fn code(&self) -> i32 {
        self.run.code.unwrap()
    }
}
