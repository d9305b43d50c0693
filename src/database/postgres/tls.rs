//! TLS to PostgreSQL, which proves the server as every other one of pushcert is proved. Channel binding is not used: it
//! protects those who do not prove the server.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

use crate::net::dial::Stream;
use crate::net::tls::{self, Application, ExpectedServer, TlsError};
use crate::net::trust::{Stores, TrustPolicy};

/// The limit of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes handshakes that prove the server.
#[derive(Clone)]
pub(super) struct VerifiedTls {
    pub(super) stores: Arc<Stores>,
}

/// A handshake with one server.
pub(super) struct VerifiedHandshake(ExpectedServer);

/// A connection after its handshake.
pub(super) struct VerifiedStream(tls::TlsStream);

impl<S: Stream + 'static> MakeTlsConnect<S> for VerifiedTls {
    type Stream = VerifiedStream;
    type TlsConnect = VerifiedHandshake;
    type Error = TlsError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<VerifiedHandshake, TlsError> {
        Ok(VerifiedHandshake(ExpectedServer {
            host: domain.to_owned(),
            application: Application::Postgres,
            policy: TrustPolicy::AnyRoot,
            stores: Arc::clone(&self.stores),
        }))
    }
}

impl<S: Stream + 'static> TlsConnect<S> for VerifiedHandshake {
    type Stream = VerifiedStream;
    type Error = TlsError;
    type Future = Pin<Box<dyn Future<Output = Result<VerifiedStream, TlsError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let handshake = tls::connect(Box::new(stream), None, &self.0, HANDSHAKE_TIMEOUT).await;
            Ok(VerifiedStream(handshake.result?))
        })
    }
}

impl TlsStream for VerifiedStream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for VerifiedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for VerifiedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
