//! Programs that send garbage, too much, or lead the proxy to itself.

use crate::room::{Proxy, Script, content, say};

#[tokio::test]
async fn garbage_and_heads_without_end_are_refused_and_the_proxy_goes_on() {
    let proxy = Proxy::start().await;
    let garbage = say(proxy.at, &content(5_000, 1)).await;
    assert!([0, 400].contains(&garbage.status), "{garbage:?}");
    let long = format!(
        "GET http://a/ HTTP/1.1\r\nX: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    let answer = say(proxy.at, long.as_bytes()).await;
    assert!([0, 431].contains(&answer.status), "{}", answer.status);
    let many = format!("GET http://a/ HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(500));
    let answer = say(proxy.at, many.as_bytes()).await;
    assert!([0, 431].contains(&answer.status), "{}", answer.status);
    let origin = Script::start(vec![b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()]).await;
    assert_eq!(proxy.get(&origin.url()).await.status, 204);
}

#[tokio::test]
async fn requests_that_are_not_for_a_proxy_say_what_would_be() {
    let proxy = Proxy::start().await;
    for (request, status, words) in [
        ("GET / HTTP/1.1", 400, "GET http://HOST/PATH"),
        ("OPTIONS * HTTP/1.1", 400, "GET http://HOST/PATH"),
        ("GET https://host/ HTTP/1.1", 400, "CONNECT"),
        ("GET ftp://host/ HTTP/1.1", 400, "not of http"),
        ("TRACE http://host/ HTTP/1.1", 405, "TRACE"),
    ] {
        let request = format!("{request}\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = say(proxy.at, request.as_bytes()).await;
        assert_eq!(answer.status, status, "{request}");
        assert!(answer.text().contains(words), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_leads_back_is_refused_by_its_address_or_by_its_via() {
    let proxy = Proxy::start().await;
    for host in [
        proxy.at.to_string(),
        format!("localhost:{}", proxy.at.port()),
    ] {
        let answer = proxy.get(&format!("http://{host}/")).await;
        assert_eq!(answer.status, 508, "{host}");
    }
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let origin = Script::start(vec![ok.clone(), ok]).await;
    assert_eq!(proxy.get(&origin.url()).await.status, 200);
    let heard = origin.heard.lock().unwrap()[0].to_ascii_lowercase();
    let (_, via) = heard.split_once("via: ").unwrap();
    let via = via.split("\r\n").next().unwrap();
    let fields = format!("Via: 1.1 other, {via}\r\n");
    assert_eq!(proxy.ask("GET", &origin.url(), &fields).await.status, 508);
    assert_eq!(
        proxy
            .ask("GET", &origin.url(), "Via: 1.1 other\r\n")
            .await
            .status,
        200
    );
    assert_eq!(proxy.counters.refused.get(), 3);
}
