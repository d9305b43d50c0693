//! `pushcert gateway` under the load and the habits of real providers.

use std::io::{Read, Write};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;

use crate::gateway::{PREFACE, Process, TOKEN, TOPIC, abuse, block_on, devices, frame, headers, post};

/// Sends a notification whose payload is cut into frames of this size, and whose end comes in an empty frame of its
/// own, as Node.js sends it.
async fn start_post(client: &SendRequest<Bytes>, payload: &[u8], frame_size: usize) -> ResponseFuture {
    let mut client = client.clone().ready().await.unwrap();
    let request = Request::post(format!("https://localhost/3/device/{TOKEN}")).header(TOPIC.0, TOPIC.1);
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    for piece in payload.chunks(frame_size) {
        body.send_data(Bytes::copy_from_slice(piece), false).unwrap();
    }
    body.send_data(Bytes::new(), true).unwrap();
    response
}

/// A gateway that knows [`TOKEN`].
fn gateway_with_token() -> (Process, tempfile::NamedTempFile) {
    let list = devices(TOKEN);
    (Process::start(&["--tokens", list.path().to_str().unwrap()]), list)
}

#[test]
fn notifications_whose_end_comes_in_a_frame_of_its_own_are_all_answered() {
    let (gateway, _list) = gateway_with_token();
    block_on(async {
        for (connections, frame_size) in [(1, 64), (1, 8), (3, 64)] {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(gateway.client().await);
            }
            let mut responses = Vec::new();
            for number in 0..1800 {
                responses.push(start_post(&clients[number % connections], &[b'x'; 32], frame_size).await);
            }
            for response in responses {
                assert_eq!(response.await.unwrap().status().as_u16(), 200, "in frames of {frame_size} bytes");
            }
        }
    });
}

#[test]
fn floods_of_small_frames_are_still_cut_off() {
    let (gateway, _list) = gateway_with_token();
    let opened = frame(1, 4, 1, &headers());
    // Empty frames that end nothing: h2 allows 100 of them.
    let mut stream = gateway.connect();
    let empty = frame(0, 0, 1, &[]).repeat(200);
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &opened, &empty].concat()).unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    // GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 section 7).
    let calm = said.windows(17).any(|bytes| bytes[3] == 7 && bytes[13..17] == [0, 0, 0, 11]);
    assert!(calm, "{said:?}");
    let before = gateway.memory();
    for _ in 0..5 {
        let flood = std::iter::repeat_n(frame(0, 0, 1, b"x").repeat(1000), 65);
        abuse(&gateway, std::iter::once(opened.clone()).chain(flood));
        // One small frame on each of many streams that never end.
        let streams = (0..1000).map(|n| [frame(1, 4, 2 * n + 1, &headers()), frame(0, 0, 2 * n + 1, b"x")].concat());
        abuse(&gateway, streams);
    }
    let after = gateway.memory();
    assert!(after < before + 16 * 1024, "{before} KiB became {after} KiB");
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
}

#[test]
fn a_payload_of_any_size_gets_its_answer() {
    let (gateway, _list) = gateway_with_token();
    block_on(async {
        let client = gateway.client().await;
        for size in [4097, 65_535, 65_536, 1 << 20, 4 << 20, 6 << 20] {
            let mut client = client.clone().ready().await.unwrap();
            let request = Request::post(format!("https://localhost/3/device/{TOKEN}")).header(TOPIC.0, TOPIC.1);
            let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
            body.send_data(vec![b'x'; size].into(), true).unwrap();
            let response = response.await.unwrap();
            assert_eq!(response.status().as_u16(), 413, "{size} bytes");
            // Up to 4 MiB the stream ends regularly, which curl and httpx need.
            let ended = std::future::poll_fn(|cx| body.poll_reset(cx));
            let reset = tokio::time::timeout(std::time::Duration::from_millis(20), ended).await;
            if size <= 4 << 20 {
                assert!(!matches!(reset, Ok(Ok(_))), "{size} bytes: {reset:?}");
            }
        }
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
}

#[test]
fn max_streams_is_what_the_client_is_told() {
    let gateway = Process::start(&["--max-streams", "7"]);
    let mut stream = gateway.connect();
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    let mut settings = [0; 64];
    stream.read_exact(&mut settings[..9 + 30]).unwrap();
    let entry = settings[9..39].chunks(6).find(|entry| entry[1] == 3).unwrap();
    assert_eq!(entry[2..], 7_u32.to_be_bytes());
}
