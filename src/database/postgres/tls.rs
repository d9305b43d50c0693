//! TLS to PostgreSQL, which proves the server as every other one of pushcert is proved; one on this machine where that is
//! asked for. Channel binding is not used: it protects those who do not prove the server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use crate::database::postgres::bounded::BoundedStream;
use crate::net::dial::Stream;
use crate::net::tls::{self, Application, ExpectedServer, TlsError};
use crate::net::trust::{Stores, TrustPolicy};

/// The limit of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes handshakes that prove the server.
#[derive(Clone)]
pub(super) struct PostgresTls {
    pub(super) stores: Arc<Stores>,
    pub(super) policy: TrustPolicy,
}

/// A handshake with one server.
pub(super) struct PostgresHandshake(ExpectedServer);

/// A connection after its handshake.
type VerifiedStream = BoundedStream<tls::TlsStream>;

impl<S: Stream + 'static> MakeTlsConnect<S> for PostgresTls {
    type Stream = VerifiedStream;
    type TlsConnect = PostgresHandshake;
    type Error = TlsError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<PostgresHandshake, TlsError> {
        Ok(PostgresHandshake(ExpectedServer {
            host: domain.to_owned(),
            application: Application::Postgres,
            policy: self.policy,
            stores: Arc::clone(&self.stores),
        }))
    }
}

impl<S: Stream + 'static> TlsConnect<S> for PostgresHandshake {
    type Stream = VerifiedStream;
    type Error = TlsError;
    type Future = Pin<Box<dyn Future<Output = Result<VerifiedStream, TlsError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let handshake = tls::connect(Box::new(stream), None, &self.0, HANDSHAKE_TIMEOUT).await;
            Ok(BoundedStream::new(handshake.result?))
        })
    }
}
