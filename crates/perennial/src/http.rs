//! Accepts connections and answers on them, until told to stop.
//!
//! A client that sends the head of a request too slowly, or none, is cut off, so that it cannot hold a connection for ever.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

/// The head of a request arrives within this time, also on a connection that was idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// When no connection can be accepted (no file is left), the next try waits so long.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stopping` becomes true; then lets the requests that run finish.
pub async fn serve(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let connections = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match stream {
            Ok((stream, _)) => answer(&protocol, stream, &router, &connections),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

fn answer(protocol: &http1::Builder, stream: TcpStream, router: &Router, connections: &GracefulShutdown) {
    // Without this a small answer waits for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
    }
    let service = router.clone().map_request(|request: hyper::Request<Incoming>| request.map(Body::new));
    let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early: {error}");
        }
    });
}
