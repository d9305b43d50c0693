//! A gateway in a thread of its own, for rehearsals and tests.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::gateway::tokens::Tokens;
use crate::gateway::{Gateway, GatewayOptions, Ready, build_runtime};

/// A gateway that serves until it is dropped.
pub struct RunningGateway {
    pub ready: Ready,
    pub tokens: Tokens,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningGateway {
    /// Starts a gateway and waits until it listens.
    ///
    /// # Errors
    /// When OpenSSL fails, or the address cannot be listened on.
    pub fn start(options: GatewayOptions) -> io::Result<Self> {
        let tokens = options.tokens.clone();
        let runtime = build_runtime()?;
        let (gateway, ready) = runtime.block_on(Gateway::open(options))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(gateway.serve(async {
                let _ = stopped.await;
            }));
            runtime.shutdown_background();
        });
        Ok(Self { ready, tokens, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
