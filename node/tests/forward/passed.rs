//! Requests and answers that have nothing to do with PeerDist.

use crate::room::{Proxy, Script, content};

#[tokio::test]
async fn what_a_program_posts_goes_to_the_origin_and_the_answer_comes_back_as_it_is() {
    let answer = b"HTTP/1.1 201 Created\r\nLocation: /new\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\n\
                   Connection: close, X-Hop\r\nX-Hop: 1\r\nContent-Length: 4\r\n\r\ndone";
    let origin = Script::start(vec![answer.to_vec()]).await;
    let proxy = Proxy::start().await;
    let fields =
        "Content-Type: text/x\r\nX-Mine: 2\r\nExpect: 100-continue\r\nContent-Length: 5\r\n";
    let url = format!("{}path?query=1", origin.url());
    let request =
        format!("POST {url} HTTP/1.1\r\nHost: wrong\r\nConnection: close\r\n{fields}\r\nhello");
    let answer = crate::room::say(proxy.at, request.as_bytes()).await;
    assert!(answer.status == 100 || answer.status == 201, "{answer:?}");
    assert!(answer.text().ends_with("done"), "{answer:?}");
    let heard = origin.heard.lock().unwrap()[0].clone();
    assert!(
        heard.starts_with("POST /path?query=1 HTTP/1.1\r\n"),
        "{heard}"
    );
    assert!(heard.ends_with("\r\n\r\nhello"), "{heard}");
    let heard = heard.to_ascii_lowercase();
    let host = format!("host: {}\r\n", origin.at);
    assert!(
        heard.contains(&host) && heard.contains("x-mine: 2"),
        "{heard}"
    );
    assert!(heard.contains("via: 1.1 peerdist-"), "{heard}");
    assert!(
        !heard.contains("x-p2p") && !heard.contains("expect"),
        "{heard}"
    );
}

#[tokio::test]
async fn answers_without_peerdist_keep_their_fields_but_those_of_the_connection() {
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                   Connection: close, X-Hop\r\nX-Hop: 1\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    let origin = Script::start(vec![answer.to_vec()]).await;
    let proxy = Proxy::start().await;
    let answer = proxy.get(&origin.url()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (404, &b"abc"[..]));
    assert_eq!(answer.field("content-type").unwrap(), "text/html");
    assert_eq!(answer.field("content-encoding").unwrap(), "gzip");
    assert_eq!(answer.field("set-cookie").unwrap(), "a=1");
    assert_eq!(answer.field("x-hop"), None);
    assert_eq!(proxy.counters.passed_bytes.get(), 3);
}

#[tokio::test]
async fn a_redirect_is_the_programs_to_follow() {
    let moved = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let origin = Script::start(vec![moved.to_vec()]).await;
    let answer = Proxy::start().await.get(&origin.url()).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.field("location").unwrap(), "http://elsewhere/");
}

#[tokio::test]
async fn a_plain_body_that_breaks_off_is_visibly_short() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    answer.extend(content(60_000, 1));
    let origin = Script::start(vec![answer]).await;
    let answer = Proxy::start().await.get(&origin.url()).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole());
}

#[tokio::test]
async fn a_chunked_body_that_breaks_off_has_no_last_chunk() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let origin = Script::start(vec![answer.to_vec()]).await;
    let answer = Proxy::start().await.get(&origin.url()).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().ends_with("0\r\n\r\n"), "{answer:?}");
}

#[tokio::test]
async fn an_origin_that_is_not_there_or_says_nothing_is_told_of() {
    let gone = Script::start(Vec::new()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::with(|options| options.limits.origin.head_ms = 300).await;
    let answer = proxy.get(&gone.url()).await;
    assert_eq!(answer.status, 502);
    assert!(
        answer.text().contains("cannot connect to 127.0.0.1"),
        "{answer:?}"
    );
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let answer = proxy.get(&url).await;
    assert_eq!(answer.status, 504);
    assert!(
        answer.text().contains("did not answer within 300 ms"),
        "{answer:?}"
    );
    assert_eq!(proxy.counters.refused.get(), 2);
}
